/** The client over real TLS: tokens and logs on two hosts, each with a certificate of its own. */
import { assert, assertEquals } from "@std/assert";
import { DitClient, type OneEndpoint, type TwoEndpoints } from "../../client/mod.ts";
import { signIn } from "../support/client/load_client.ts";
import { freePort } from "../support/processes/free_ports.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { exportIds, spawnService } from "../support/processes/spawned_service.ts";
import { present } from "../support/base/present.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { canRun, makePlace } from "./places.ts";
import { HOSTS, PROXIES } from "./proxies.ts";
import { openReach, type Reach } from "./reach.ts";
import { listenTls } from "./tls_host.ts";

const LOGS = 5;

async function withService(
  env: Record<string, string>,
  body: (service: RunningService, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using service = spawnService({ folder, port: freePort(), env });
    await service.ready();
    await body(service, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a client told and asked for, as `host step`. */
interface Run {
  readonly asked: ReadonlySet<string>;
  readonly sent: number;
  readonly refused: readonly string[];
}

/** Sends logs with a client that reaches each host by a way of its own. */
async function sendLogs(at: OneEndpoint | TwoEndpoints, reachOf: (host: string) => Reach): Promise<Run> {
  const asked = new Set<string>();
  const refused: string[] = [];
  let sent = 0;
  const client = new DitClient({
    ...at,
    app: "load",
    session: () => signIn(crypto.randomUUID(), Math.floor(Date.now() / 1000)),
    delaySeconds: 2_000_000,
    fetch(url, init) {
      const { hostname, pathname } = new URL(url);
      asked.add(`${hostname} ${pathname.split("/").at(-1)}`);
      return reachOf(hostname).fetch(url, init);
    },
  });
  client.on("sent", ({ events }) => sent += events);
  client.on("refused", ({ step, code }) => refused.push(`${step} ${code}`));
  for (let count = 0; count < LOGS; count++) {
    client.log("ping", { ok: true, latency_ms: 1 });
    await client.flush();
  }
  await client.close();
  return { asked, sent, refused };
}

for (const proxy of PROXIES) {
  Deno.test(`the client uses the two hosts of ${proxy.name}'s configuration, and no host without a certificate`, async () => {
    if (!await canRun(proxy)) return;
    const env = { DIT_ISSUE_HOST: HOSTS.tokens, DIT_LOG_HOST: HOSTS.logs, DIT_TRUSTED_HOPS: "1" };
    await withService(env, async (service) => {
      await using place = await makePlace();
      const { port } = service;
      await using way = await place.start(proxy, [port, port, port]);
      await using tokens = openReach(way, "h2");
      await using logs = openReach(way, "h2");
      const reachOf = (host: string) => host === HOSTS.tokens ? tokens : logs;
      const at = { issueEndpoint: `https://${HOSTS.tokens}`, logEndpoint: `https://${HOSTS.logs}` };
      const run = await sendLogs(at, reachOf);
      assertEquals([run.sent, run.refused], [LOGS, []]);
      assertEquals(
        run.asked,
        new Set([
          `${HOSTS.logs} schema`,
          `${HOSTS.tokens} keys`,
          `${HOSTS.tokens} tokens`,
          `${HOSTS.logs} logs`,
        ]),
      );
      assertEquals((await exportIds(service)).length, LOGS);
      // A name that no certificate covers gets nothing, not even the question what is collected.
      const other = await sendLogs({ ...at, logEndpoint: "https://other.example" }, reachOf);
      assertEquals([other.sent, [...new Set(other.refused)]], [0, ["schema no_answer"]]);
      assertEquals((await exportIds(service)).length, LOGS);
    });
  });
}

Deno.test("a client of one endpoint is led to two hosts with a certificate each, and no connection carries both steps", async () => {
  const base = "telemetry.example";
  const names = { base, tokens: `tokens.${base}`, logs: `logs.${base}` };
  const env = { DIT_ISSUE_HOST: names.tokens, DIT_LOG_HOST: names.logs };
  await withService(env, async (service, folder) => {
    const certificates: Certificates = await makeCertificates(folder, names);
    await using stack = new AsyncDisposableStack();
    const reaches = new Map<string, Reach>();
    const hosts = new Map<string, ReturnType<typeof listenTls>>();
    for (const [file, name] of Object.entries(names)) {
      const pem = await Deno.readTextFile(`${certificates.folder}/${file}.pem`);
      const host = stack.use(listenTls({ pem, servicePort: service.port }));
      hosts.set(name, host);
      reaches.set(name, stack.use(openReach({ port: host.port, certificates }, "http/1.1")));
    }
    const run = await sendLogs({ endpoint: `https://${base}` }, (host) => present(reaches.get(host)));
    assertEquals([run.sent, run.refused], [LOGS, []]);
    assertEquals(
      run.asked,
      new Set([`${base} schema`, `${base} keys`, `${names.tokens} tokens`, `${names.logs} logs`]),
    );
    // What came over the wire, behind the certificate of each name.
    const stepsOf = (name: string) =>
      new Set(present(hosts.get(name)).connections.flat().map((target) => target.split("/").at(-1)));
    assertEquals(
      [base, names.tokens, names.logs].map(stepsOf),
      [new Set(["schema", "keys"]), new Set(["tokens"]), new Set(["logs"])],
    );
    assertEquals((await exportIds(service)).length, LOGS);
    // The certificate of one name is not taken for another.
    const swapped = await sendLogs({ endpoint: `https://${base}` }, (host) => {
      return present(reaches.get(host === names.logs ? names.tokens : host));
    });
    assertEquals(swapped.sent, 0);
    assert(swapped.refused.every((refusal) => refusal === "logs no_answer"), swapped.refused.join());
    assertEquals((await exportIds(service)).length, LOGS);
  });
});
