import { assertEquals } from "@std/assert";
import { maintainUntilDone } from "../../boot/maintain_at_start.ts";

Deno.test("maintainUntilDone() tries again, waiting longer each time, until it went through once", async () => {
  const waited: number[] = [];
  const failures: unknown[] = [];
  let runs = 0;
  const report = await maintainUntilDone(() => ++runs <= 8 ? Promise.reject(runs) : Promise.resolve("done"), {
    onFailure: (error) => failures.push(error),
    signal: new AbortController().signal,
    pause: (milliseconds) => {
      waited.push(milliseconds);
      return Promise.resolve();
    },
  });
  assertEquals([report, runs], ["done", 9]);
  assertEquals(failures, [1, 2, 3, 4, 5, 6, 7, 8]);
  assertEquals(waited, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

Deno.test("maintainUntilDone() ends when the service stops, in a pause as well as in a run", async () => {
  const inPause = new AbortController();
  const paused = maintainUntilDone(() => Promise.reject(new Error("away")), {
    onFailure: () => setTimeout(() => inPause.abort(), 1),
    signal: inPause.signal,
  });
  assertEquals(await paused, undefined);

  const inRun = new AbortController();
  const failures: unknown[] = [];
  const run = maintainUntilDone(
    () => {
      inRun.abort();
      return Promise.reject(new Error("closed"));
    },
    { onFailure: (error) => failures.push(error), signal: inRun.signal },
  );
  assertEquals([await run, failures], [undefined, []]);
});
