import { assertEquals, assertRejects } from "@std/assert";
import { inOnePeriod } from "./in_one_period.ts";

Deno.test("inOnePeriod() runs again only what failed while its period ended, and that once", async () => {
  const clock = { now: 7_199_999 };
  const failing = (milliseconds: number) => {
    const runs = { count: 0 };
    const fail = () => {
      clock.now += milliseconds;
      throw new RangeError(`run ${++runs.count}`);
    };
    return { runs, end: assertRejects(() => inOnePeriod(3_600, async () => await fail(), () => clock.now)) };
  };
  assertEquals(((await failing(0).end) as Error).message, "run 1");
  assertEquals(((await failing(1).end) as Error).message, "run 2");
  let runs = 0;
  const crossing = async () => {
    clock.now += 3_600_000;
    return await (++runs === 1 ? Promise.reject(new RangeError()) : Promise.resolve("done"));
  };
  assertEquals(await inOnePeriod(3_600, crossing, () => clock.now), "done");
  assertEquals(runs, 2);
});
