import { assert, assertEquals } from "@std/assert";
import { DitClient, type Fetch } from "../../client/mod.ts";
import { toBase64url } from "../../core/base/bytes.ts";
import { parseCredential } from "../../core/token/credential.ts";
import { digestBody, encodeTranscript } from "../../core/token/mac.ts";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import {
  countRows,
  demoConfig,
  Folders,
  runTask,
  signIn,
  startReady,
} from "../support/processes/service_process.ts";

const TOKEN = "service-token-of-the-demo-in-tests-1";
const CONFIG = demoConfig({ serviceTokenSha256: tokenDigest(TOKEN).toHex(), usesPerToken: 16 });

function logServer(
  folder: string,
  port: number,
  acs: RunningService,
  token = TOKEN,
): Promise<RunningService> {
  const env = {
    DIT_CONFIG: "config.js",
    DIT_ROLE: "logs",
    DIT_ACS_URL: acs.url,
    DIT_ACS_TOKEN: token,
  };
  return startReady({ folder, port, env });
}

let clients = 0;

function client(url: string, fetch?: Fetch) {
  const subject = `client ${clients++}`;
  const client = new DitClient({
    endpoint: url,
    app: "demo",
    session: () => signIn(url, subject),
    ...(fetch === undefined ? {} : { fetch }),
  });
  const heard = { sent: 0, refused: [] as string[], dropped: [] as string[] };
  client.on("sent", ({ events }) => heard.sent += events);
  client.on("refused", ({ code }) => heard.refused.push(code));
  client.on("dropped", ({ reason }) => heard.dropped.push(reason));
  return { client, heard };
}

/** The command that lists and unpins stores. */
function stores(folder: string, port: number, ...args: string[]) {
  return runTask("stores", "cli/stores.ts", args, folder, { PORT: String(port) });
}

/** The store that the demo belongs to, as operators read it. */
async function pinnedStore(folder: string, port: number): Promise<string> {
  const { stdout } = await stores(folder, port, "list");
  const [, store] = /^demo +([\w-]{22}) /m.exec(stdout) ?? [];
  if (store === undefined) throw new Error(`No store is pinned:\n${stdout}`);
  return store;
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** Flushes until something has come true, for ten seconds at most: the service may ask for a wait. */
async function flushUntil(dit: DitClient, condition: () => boolean): Promise<void> {
  for (let attempt = 0; !condition() && attempt < 100; attempt++) {
    await dit.flush();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test("an ACS and a log server as two processes that share nothing but HTTP", async (t) => {
  await using folders = new Folders();
  const startedOn = today();
  const [acsPort, logsPort, otherPort, ownPort] = freePorts(4) as [number, number, number, number];
  const acsFolder = await folders.make(CONFIG);
  const logsFolder = await folders.make(CONFIG);
  const acsOptions = { folder: acsFolder, port: acsPort, env: { DIT_CONFIG: "config.js", DIT_ROLE: "acs" } };
  await using processes = new AsyncDisposableStack();
  const acs = processes.use(await startReady(acsOptions));
  let logs = processes.use(await logServer(logsFolder, logsPort, acs));

  await t.step("a client gets tokens and sends twenty logs through the log server", async () => {
    const { client: dit, heard } = client(logs.url);
    for (let log = 0; log < 20; log++) {
      dit.log("app_opened", {});
      await dit.flush();
    }
    await dit.close();
    assertEquals(heard, { sent: 20, refused: [], dropped: [] });
  });

  await t.step(
    "the log server holds no key, the ACS no record, and neither has the other's routes",
    async () => {
      const rows = await countRows(logs.url);
      assertEquals(rows["signing keys"], undefined);
      assertEquals([rows["claimed uses"], rows["rows of shuffled logs"]], [20, 20]);
      for (
        const [url, path] of [
          [acs.url, "/v1/apps/demo/logs"],
          [acs.url, "/v1/apps/demo/tokens"],
          [acs.url, "/dev/session"],
          [logs.url, "/acs/v1/apps/demo/redeem"],
          [logs.url, "/acs/v1/apps/demo/evaluate"],
        ] as const
      ) {
        const response = await fetch(url + path, { method: "POST" });
        assertEquals([path, response.status, (await response.json()).code], [path, 404, "route_unknown"]);
      }
      const raw = new TextDecoder("latin1").decode(await Deno.readFile(`${acsFolder}/.dit/kv.sqlite3`));
      assert(!raw.includes("app_opened") && !raw.includes("client 0"));
    },
  );

  await t.step("both serve the same directory", async () => {
    const [ours, theirs] = await Promise.all(
      [acs, logs].map(async ({ url }) => await (await fetch(`${url}/v1/apps/demo/keys`)).text()),
    );
    assertEquals(ours, theirs);
  });

  await t.step(
    "a log that was claimed for a log server that then died is completed by the retry",
    async () => {
      // The test takes the part of the log server that dies: it claims the use, and stores nothing.
      const store = await pinnedStore(acsFolder, acsPort);
      let claimed: unknown;
      const { client: dit, heard } = client(logs.url, async (url, init) => {
        if (url.endsWith("/logs") && claimed === undefined) {
          const { keyId, nonce, use, mac } = parseCredential(new Headers(init.headers).get("authorization")!);
          const bodyDigest = digestBody(init.body as Uint8Array);
          const transcript = encodeTranscript({
            app: "demo",
            contentEncoding: "",
            keyId,
            nonce,
            use,
            bodyDigest,
          });
          const response = await fetch(`${acs.url}/acs/v1/apps/demo/redeem`, {
            method: "POST",
            headers: {
              authorization: `Bearer ${TOKEN}`,
              "content-type": "application/json",
              "dit-store": store,
            },
            body: JSON.stringify({
              key: toBase64url(keyId),
              nonce: toBase64url(nonce),
              use,
              mac: toBase64url(mac),
              transcript: toBase64url(transcript),
            }),
          });
          claimed = (await response.json()).status;
          throw new TypeError("the log server died");
        }
        return await fetch(url, init);
      });
      dit.log("app_opened", {});
      await dit.flush();
      assertEquals([claimed, heard.sent, heard.refused], ["accepted", 0, ["no_answer"]]);
      await dit.flush();
      await dit.close();
      assertEquals(heard.sent, 1);
      const rows = await countRows(logs.url);
      assertEquals([rows["claimed uses"], rows["rows of shuffled logs"]], [21, 21]);
    },
  );

  await t.step("a log server that is killed in the middle loses and doubles nothing", async () => {
    const { client: dit, heard } = client(logs.url);
    const loop = (async () => {
      for (let log = 0; log < 30; log++) {
        dit.log("app_opened", {});
        await dit.flush();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 250));
    await logs.end("SIGKILL");
    logs = processes.use(await logServer(logsFolder, logsPort, acs));
    await loop;
    await flushUntil(dit, () => heard.sent === 30);
    await dit.close();
    assertEquals([heard.sent, heard.dropped], [30, []]);
    assert(heard.refused.every((code) => code === "no_answer"), heard.refused.join());
    // Events that waited together share a log, so it is they that are counted.
    let events = 0;
    for (const day of new Set([startedOn, today()])) {
      const args = ["export", "--app", "demo", "--day", day];
      const env = { PORT: String(logsPort) };
      const { stdout, stderr } = await runTask("logs", "cli/logs.ts", args, logsFolder, env);
      const lines = stdout.split("\n").filter((line) => line !== "");
      assertEquals(stderr, `${lines.length} records of demo on ${day}.\n`);
      for (const line of lines) events += JSON.parse(line).events.length;
    }
    assertEquals(events, 51);
  });

  await t.step("the audit finds nothing wrong on either side", async () => {
    for (const [folder, port] of [[acsFolder, acsPort], [logsFolder, logsPort]] as const) {
      const { code, stdout } = await runTask("audit", "cli/audit.ts", [], folder, { PORT: String(port) });
      assertEquals([code, stdout.includes("Nothing is wrong")], [0, true], stdout);
    }
  });

  await t.step("while the ACS is away logs wait, and go on when it is back", async () => {
    const { client: dit, heard } = client(logs.url);
    dit.log("app_opened", {});
    await dit.flush();
    await acs.end("SIGKILL");
    dit.log("app_opened", {});
    await dit.flush();
    assertEquals([heard.sent, heard.refused], [1, ["store_unavailable"]]);
    processes.use(await startReady(acsOptions));
    await flushUntil(dit, () => heard.sent === 2);
    await dit.close();
    assertEquals([heard.sent, heard.dropped], [2, []]);
  });

  await t.step("a log server with a wrong service token serves nobody, and its log says why", async () => {
    const folder = await folders.make(CONFIG);
    const wrong = processes.use(await logServer(folder, otherPort, acs, TOKEN.replace("1", "2")));
    const { client: dit, heard } = client(wrong.url);
    dit.log("app_opened", {});
    await dit.flush();
    await dit.close();
    assertEquals(heard.sent, 0);
    assertEquals(new Set(heard.refused), new Set(["internal"]));
    await wrong.end("SIGTERM");
    const reasons = wrong.events("internal_error").map(({ reasons }) => String(reasons));
    assertEquals(new Set(reasons), new Set(["The ACS refused this server: service_token_invalid."]));
    assert(!wrong.lines.join().includes("service-token-of"));
  });

  await t.step(
    "a log server with a store of its own serves nobody until the other one is unpinned",
    async () => {
      const own = processes.use(await logServer(await folders.make(CONFIG), ownPort, acs));
      const { client: dit, heard } = client(own.url);
      dit.log("app_opened", {});
      await dit.flush();
      assertEquals([heard.sent, new Set(heard.refused)], [0, new Set(["internal"])]);
      assert(own.events("internal_error").some(({ reasons }) => String(reasons).includes("share a store")));

      const store = await pinnedStore(acsFolder, acsPort);
      const asked = await stores(acsFolder, acsPort, "unpin", "--app", "demo");
      assertEquals([asked.code, asked.stderr.includes(`--store ${store} --yes`)], [1, true], asked.stderr);
      await logs.end("SIGTERM");
      const done = await stores(acsFolder, acsPort, "unpin", "--app", "demo", "--store", store, "--yes");
      assertEquals([done.code, done.stdout.startsWith("Unpinned")], [0, true], done.stderr);
      await flushUntil(dit, () => heard.sent === 1);
      await dit.close();
      assert(await pinnedStore(acsFolder, acsPort) !== store);
      const again = await stores(acsFolder, acsPort, "unpin", "--app", "demo", "--store", store, "--yes");
      assertEquals([again.code, again.stdout.startsWith("Nothing to do")], [0, true], again.stderr);
    },
  );
});
