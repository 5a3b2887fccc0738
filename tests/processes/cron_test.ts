import { assert, assertEquals } from "@std/assert";
import { freePort } from "../support/free_ports.ts";
import { demoConfig, Folders, startProcess } from "../support/service_process.ts";
import { until } from "../support/with_kv_endpoint.ts";

Deno.test("Deno.cron, tried for real, makes and destroys keys that nobody asks for", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig({ epochSeconds: 10, overlapEpochs: 0 }));
  const port = freePort();
  // Nobody asks it anything, not even whether it is ready: only cron and the start do something.
  // Every cron fires so many milliseconds after it was registered, whatever its schedule says, and again after that.
  const env = { DIT_CONFIG: "config.js", DENO_CRON_TEST_SCHEDULE_OFFSET: "11000" };
  await using process = await startProcess({ folder, port, env });
  const runs = () => process.events("maintenance");
  await until(() => runs().length >= 2);
  const [first, second] = runs();
  assertEquals([first!.keysMade, first!.keysEnded], [4, 0]);
  // Eleven seconds later an epoch of ten has ended, and no request has come in between to do it lazily.
  assert((second!.keysMade as number) >= 1 && (second!.keysEnded as number) >= 1, JSON.stringify(second));
  assertEquals(process.events("key_destroyed").length, second!.keysEnded);
});
