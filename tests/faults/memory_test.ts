import { assert, assertEquals, assertLess } from "@std/assert";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import { startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { fetchTokens, sendLog, signMarkedLog } from "../support/client/load_client.ts";
import { residentMiB } from "../support/processes/resident_memory.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { TOKEN, until } from "../support/store/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const CLIENTS = 64;
/** Bytes that make each log long. */
const PADDING = 48 * 1024;
const REFUSALS = LONG ? 60_000 : 6_000;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

Deno.test({
  name: "a store that hangs, reads, writes or all, does not grow the service's memory",
  // Resident memory is read from /proc.
  ignore: Deno.build.os !== "linux",
  async fn(t) {
    const folder = await Deno.makeTempDir();
    await using endpoint = await startKvEndpoint({ path: `${folder}/endpoint.sqlite3`, token: TOKEN });
    const service = spawnService({ folder, kv: endpoint.url });
    await service.ready();
    let stored: Set<string> = new Set();
    for (const fault of ["hang", "hangAnswer"] as const) {
      await t.step(`${fault} under load`, async () => {
        const tokens = await fetchTokens(service.url, fault, 1_000);
        const sent: Sent = new Map();
        const counts = { unavailable: 0, others: 0 };
        let running = true;
        let next = 0;
        // Impatient clients: a new log, a long one, as soon as the last one was refused.
        const clients = Array.from({ length: CLIENTS }, async () => {
          while (running && next < tokens.length * 64) {
            const index = next++;
            const log = signMarkedLog(
              tokens[index % tokens.length]!,
              Math.floor(index / tokens.length),
              PADDING,
            );
            const answer = await sendLog(service.url, log);
            if (answer.code === "store_unavailable") counts.unavailable++;
            else counts.others++;
            // The outcome is unknown, and the client gives up.
            sent.set({ ...log, body: new Uint8Array() }, answer);
            if (answer.status !== 200) await sleep(20);
          }
        });
        await sleep(1_000);
        endpoint.faults[fault] = true;
        await until(() => counts.unavailable > 300);
        const before = await residentMiB(service);
        await until(() => counts.unavailable > 300 + REFUSALS);
        const after = await residentMiB(service);
        // Collected garbage goes up and down by some 80 MiB; all that was refused is several times as much.
        const refusedMiB = REFUSALS * PADDING / 2 ** 20;
        const grown = after - before;
        assertLess(grown, refusedMiB / 2, `${grown.toFixed(0)} MiB of ${refusedMiB.toFixed(0)} refused`);
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
