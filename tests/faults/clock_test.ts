import { assert, assertEquals } from "@std/assert";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import { startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { inOnePeriod } from "../support/processes/in_one_period.ts";
import { fetchTokens, sendUntilKnown, type SignedLog, signMarkedLog } from "../support/client/load_client.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { TOKEN, until } from "../support/store/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const HOUR = 3_600;

/** Three processes. */
type Three = readonly [RunningService, RunningService, RunningService];

async function tell(service: RunningService, ...lines: string[]): Promise<void> {
  for (const line of lines) {
    const told = () => service.lines.filter((one) => one === line).length;
    const before = told();
    await service.say(line);
    await until(() => told() > before);
  }
}

const send = (url: string, log: SignedLog) => sendUntilKnown(() => url, log);

/** Runs a test within an hour of the wall's clock, by which the services' keys go as well. */
function withServices(overlap: number, run: (services: Three) => Promise<void>): Promise<void> {
  return inOnePeriod(HOUR, () => withFreshServices(overlap, run));
}

async function withFreshServices(
  overlap: number,
  run: (services: Three) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  await using endpoint = await startKvEndpoint({ path: `${folder}/endpoint.sqlite3`, token: TOKEN });
  const spawn = () =>
    spawnService({
      folder,
      kv: endpoint.url,
      module: "tests/support/client/clocked_service.ts",
      env: { DIT_TEST_OVERLAP: String(overlap) },
    });
  const services: Three = [spawn(), spawn(), spawn()];
  try {
    await Promise.all(services.map((service) => service.ready()));
    await run(services);
    for (const service of services) await service.say("end");
    for (const service of services) assertEquals((await service.ended).code, 0);
  } finally {
    for (const service of services) await service.end("SIGKILL");
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("clocks that jump an hour either way, each process on its own, lose and double nothing", () =>
  withServices(1, async (services) => {
    const tokens = await fetchTokens(services[0].url, "clock", 60);
    const sent: Sent = new Map();
    let running = true;
    const clients = Array.from({ length: 12 }, async (_, client) => {
      for (let index = 0; running && index < 5 * 64; index++) {
        const log = signMarkedLog(tokens[client * 5 + Math.floor(index / 64)]!, index % 64);
        const { url } = services[index % 3]!;
        sent.set(log, await sendUntilKnown(() => url, log));
      }
    });
    for (let jump = 0; jump < (LONG ? 60 : 12); jump++) {
      const service = services[jump % 3]!;
      await tell(service, `clock ${[HOUR, 0, -HOUR][Math.floor(Math.random() * 3)]}`, "maintain");
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    running = false;
    await Promise.all(clients);
    const codes = new Set(sent.values().map((answer) => answer!.code ?? "accepted"));
    assert(codes.has("accepted"));
    // A process that is an hour behind does not know the key yet; nothing else is ever refused.
    codes.delete("accepted");
    codes.delete("key_unknown");
    assertEquals(codes, new Set());
    for (const service of services) await tell(service, "clock 0");
    await assertExactlyOnce(services[0], sent);
  }));

Deno.test("a key that one clock has ended is over for every clock, and no use of it comes back", () =>
  withServices(0, async ([ahead, right, behind]) => {
    const tokens = await fetchTokens(right.url, "ended", 4);
    const sent: Sent = new Map();
    const logs = tokens.flatMap((token) => Array.from({ length: 30 }, (_, use) => signMarkedLog(token, use)));
    for (const log of logs) sent.set(log, await send([right, behind][log.use % 2]!.url, log));
    assertEquals(new Set(sent.values().map((answer) => answer!.status)), new Set([200]));

    // One process believes that it is an hour later, and ends the key; two hours later its claims are swept.
    await tell(ahead, `clock ${HOUR}`, "maintain");
    const late = signMarkedLog(tokens[0]!, 60);
    for (const { url } of [right, behind, ahead]) {
      const { code } = await send(url, late);
      assert(code === "key_expired" || code === "key_unknown", code);
    }
    await assertExactlyOnce(right, sent);
    await tell(ahead, `clock ${2 * HOUR + 1}`, "maintain", "clock 0", "maintain");

    // Now no claim is left to say that these were taken: the key's alive row must.
    for (const log of [...logs.slice(0, 20), late]) {
      for (const { url } of [right, behind, ahead]) {
        const { code } = await send(url, log);
        assert(code === "key_expired" || code === "key_unknown", code);
      }
    }
    // Once every clock has come there, the keys of that hour serve.
    for (const service of [right, behind, ahead]) await tell(service, `clock ${2 * HOUR + 1}`);
    const nowSeconds = Math.floor(Date.now() / 1000) + 2 * HOUR + 1;
    const [fresh] = await fetchTokens(right.url, "fresh", 1, nowSeconds);
    assertEquals((await send(behind.url, signMarkedLog(fresh!, 0))).status, 200);
  }));
