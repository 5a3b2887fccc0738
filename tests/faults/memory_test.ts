import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { assertExactlyOnce, type Sent } from "../support/exactly_once.ts";
import { startKvEndpoint } from "../support/kv_endpoint.ts";
import { fetchTokens, sendLog, signLog } from "../support/load_client.ts";
import { type SpawnedService, spawnService } from "../support/spawned_service.ts";
import { TOKEN, until } from "../support/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const CLIENTS = 64;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Resident memory of a process in MiB. */
function residentMiB({ child }: SpawnedService): number {
  const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
  return Number(/VmRSS:\s+([0-9]+) kB/.exec(status)![1]) / 1_024;
}

Deno.test({
  name: "a store that hangs, reads, writes or all, does not grow the service's memory",
  // Resident memory is read from /proc.
  ignore: Deno.build.os !== "linux",
  async fn(t) {
    const folder = await Deno.makeTempDir();
    await using endpoint = await startKvEndpoint({ path: `${folder}/endpoint.sqlite3`, token: TOKEN });
    const service = spawnService({ folder, kv: endpoint.url });
    await service.ready;
    let stored: Set<string> = new Set();
    for (const fault of ["hang", "hangAnswer"] as const) {
      await t.step(`${fault} under load`, async () => {
        const tokens = await fetchTokens(service.url, fault, 1_000);
        const sent: Sent = new Map();
        const counts = { unavailable: 0, others: 0 };
        let running = true;
        let next = 0;
        // Impatient clients: a new log, with a body of many events, as soon as the last one was refused.
        const clients = Array.from({ length: CLIENTS }, async () => {
          while (running && next < tokens.length * 64) {
            const index = next++;
            const log = signLog(tokens[index % tokens.length]!, Math.floor(index / tokens.length));
            const answer = await sendLog(service.url, log);
            if (answer.code === "store_unavailable") counts.unavailable++;
            else counts.others++;
            // The outcome is unknown, and the client gives up.
            sent.set(log, answer);
            if (answer.status !== 200) await sleep(20);
          }
        });
        await sleep(1_500);
        endpoint.faults[fault] = true;
        await sleep(6_000);
        const before = residentMiB(service);
        await sleep(LONG ? 60_000 : 10_000);
        const after = residentMiB(service);
        assertGreater(counts.unavailable, 100);
        // Thousands of refused requests later: less than they would take if they were kept.
        assertLess(after, before + 40, `from ${before.toFixed(0)} to ${after.toFixed(0)} MiB`);
        endpoint.faults[fault] = false;
        const recovered = counts.others;
        await until(() => counts.others > recovered + 100);
        running = false;
        await Promise.all(clients);
        stored = await assertExactlyOnce(service, sent, stored);
        assert(stored.size > 0);
      });
    }
    assertEquals((await service.end("SIGTERM")).code, 0);
    await Deno.remove(folder, { recursive: true });
  },
});
