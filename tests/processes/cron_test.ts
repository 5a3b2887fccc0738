import { assert, assertEquals } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { demoConfig, Folders, startProcess } from "../support/processes/service_process.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

Deno.test("Deno.cron, tried for real, makes and destroys keys that nobody asks for", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig({ epochSeconds: 10, overlapEpochs: 0 }));
  const port = freePort();
  // Nobody asks it anything, not even whether it is ready: only cron and the start do something.
  // Every cron fires so many milliseconds after it was registered, whatever its schedule says, and again after that.
  const env = { DIT_CONFIG: "config.js", DENO_CRON_TEST_SCHEDULE_OFFSET: "11000" };
  await using process = await startProcess({ folder, port, env });
  const runs = () => process.events("maintenance");
  const total = (runs: Record<string, unknown>[], what: string) =>
    runs.reduce((sum, run) => sum + (run[what] as number), 0);
  // Eleven seconds later an epoch of ten has ended, or at the run after that one where the service was slow to start;
  // and no request has come in between to do it lazily.
  await until(() => total(runs().slice(1), "keysEnded") > 0);
  const [first, ...others] = runs();
  assertEquals([first!.keysMade, first!.keysEnded], [4, 0]);
  assert(total(others, "keysMade") >= 1, JSON.stringify(others));
  assertEquals(process.events("key_destroyed").length, total(others, "keysEnded"));
});
