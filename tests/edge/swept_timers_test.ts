import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { SweptTimers } from "../../edge/http/swept_timers.ts";

const passed = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

Deno.test("SweptTimers calls what is due in its order, and nothing that was cleared", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ after: fc.integer({ min: 0, max: 25 }), isCleared: fc.boolean() }), {
        maxLength: 30,
      }),
      async (wanted) => {
        const timers = new SweptTimers(() => performance.now());
        const called: number[] = [];
        const startedAt = performance.now();
        const calls = wanted.map(({ after, isCleared }) =>
          new Promise<void>((resolve) => {
            const deadline = timers.set(after, () => {
              called.push(deadline.dueAt);
              assertEquals(performance.now() - startedAt >= after, true);
              assertEquals(isCleared, false);
              resolve();
            });
            if (!isCleared) return;
            timers.clear(deadline);
            timers.clear(deadline);
            resolve();
          })
        );
        await Promise.all(calls);
        assertEquals(called.length, wanted.filter(({ isCleared }) => !isCleared).length);
        assertEquals(called, called.toSorted((a, b) => a - b));
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("SweptTimers calls one that another one sets, and one that comes after a sweep found nothing", async () => {
  const timers = new SweptTimers(() => performance.now());
  await new Promise<void>((resolve) => timers.set(5, () => timers.set(5, resolve)));
  timers.clear(timers.set(1, () => {
    throw new Error("It was cleared.");
  }));
  await passed(10);
  await new Promise<void>((resolve) => timers.set(1, resolve));
});
