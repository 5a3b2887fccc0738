import { assertEquals } from "@std/assert";
import { runJob } from "../../boot/run_job.ts";

function world(fails: number) {
  const lines: unknown[] = [];
  const pauses: number[] = [];
  const stop = new AbortController();
  let counted = 0;
  let runs = 0;
  const done = () =>
    runJob({
      job: "releases",
      run: () =>
        ++runs <= fails
          ? Promise.reject(new TypeError("canary https://kv.example"))
          : Promise.resolve("done"),
      log: (event, members) => lines.push({ event, ...members }),
      count: () => counted++,
      signal: stop.signal,
      pause: (milliseconds) => Promise.resolve(void pauses.push(milliseconds)),
    });
  return { lines, pauses, stop, done, told: () => ({ runs, counted }) };
}

Deno.test("runJob() tries again, tells each failure without what it says, and counts it", async () => {
  const { lines, pauses, done, told } = world(2);
  assertEquals(await done(), "done");
  assertEquals(told(), { runs: 3, counted: 2 });
  assertEquals(lines, Array(2).fill({ event: "releases_failed", reason: "TypeError" }));
  assertEquals(pauses, [1_000, 2_000]);
});

Deno.test("runJob() gives up after five failures and throws nothing", async () => {
  const { lines, done, told } = world(Infinity);
  assertEquals(await done(), undefined);
  assertEquals([told(), lines.length], [{ runs: 5, counted: 5 }, 5]);
});

Deno.test("runJob() does nothing where the service stops", async () => {
  const { stop, done, told } = world(Infinity);
  stop.abort();
  assertEquals(await done(), undefined);
  assertEquals(told(), { runs: 0, counted: 0 });
});
