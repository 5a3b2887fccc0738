/** Any sequence of lies, then honesty: delivery resumes within the hour, nothing is doubled, nothing is linked. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type DitClient, MemoryStorage } from "../../client/mod.ts";
import { stalled } from "../lies/answers.ts";
import { startLyingService } from "../lies/lying_service.ts";
import { LIES } from "../lies/rows/mod.ts";
import { assertUnlinked, numberOf } from "../lies/seen.ts";
import { droppedBy, makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

/** `DIT_LIES_SEED` repeats or varies the draws; fast-check prints the seed of a run that fails, and the least sequence. */
const SEED = Number(Deno.env.get("DIT_LIES_SEED") ?? 17);
const RUNS = Number(Deno.env.get("DIT_LIES_RUNS") ?? 120);
const HOUR = 3_600;

/** Lies that need nothing of their service, and no half minute of waiting. */
const TOLD = LIES.filter(({ service, mirror, declared, tell }) =>
  service === undefined && !mirror && !declared && !Object.values(tell).includes(stalled)
);

/** One stretch of time in which the service lies, or (undefined) does not. */
const stretch = fc.record({
  lie: fc.option(fc.constantFrom(...TOLD), { nil: undefined, freq: 8 }),
  events: fc.nat(3),
  flushes: fc.nat(2),
  /** Seconds that pass after it. */
  pause: fc.constantFrom(0, 60, 600, HOUR, 12 * HOUR, 30 * HOUR),
  restarts: fc.boolean(),
});

type Stretch = typeof stretch extends fc.Arbitrary<infer T> ? T : never;

/** For the report of a failure: the lies by name. */
const show = (life: readonly Stretch[]) =>
  life.map(({ lie, events, flushes, pause, restarts }) =>
    `${lie?.name ?? "the truth"}; ${events} events, ${flushes} flushes, ${pause} s${
      restarts ? ", restarted" : ""
    }`
  ).join("\n");

async function live(life: readonly Stretch[]): Promise<void> {
  await using service = await startLyingService({ listens: false });
  const { test } = service;
  const storage = new MemoryStorage();
  const start = () => {
    const fetch = (url: string, init: RequestInit) => service.answer(new Request(url, init));
    const { client, heard } = makeClient(test, { fetch, storage });
    return { client: client as unknown as DitClient, heard };
  };
  const made = [start()];
  let logged = 0;
  const log = (count: number) => {
    for (let event = 0; event < count; event++) {
      present(made.at(-1)).client.log("counted", { number: logged++ });
    }
  };

  let untrue = 0;
  for (const { lie, events, flushes, pause, restarts } of life) {
    service.lie = lie?.tell;
    // What the service says it has taken and has not is lost, whatever the client does.
    if (lie?.client.untrue !== undefined) untrue = Infinity;
    log(events);
    for (let flush = 0; flush < flushes; flush++) await present(made.at(-1)).client.flush();
    if (restarts) {
      await present(made.at(-1)).client.close();
      made.push(start());
    }
    test.clock.now += pause * 1000;
  }

  service.lie = undefined;
  test.clock.now += HOUR * 1000;
  const before = logged;
  log(3);
  const { client } = present(made.at(-1));
  await client.flush();

  const told = JSON.stringify(made.map(({ heard }) => heard));
  const { bound, waiting } = present(await client.inspect());
  assertEquals([bound, waiting], [[], []], `what is left after an hour of honesty: ${told}`);
  assertUnlinked(service.seen);
  const numbers = (await test.records()).flatMap(({ events }) => events.map(numberOf)).sort((a, b) => a - b);
  assertEquals(numbers, [...new Set(numbers)], `an event is stored twice: ${told}`);
  for (let event = before; event < logged; event++) {
    assert(numbers.includes(event), `${event} is lost: ${told}`);
  }
  const drops = made.flatMap(({ heard }) => Object.values(droppedBy(heard)));
  const lost = drops.reduce((sum, count) => sum + count, 0);
  assert(numbers.length >= logged - lost - untrue, `${logged - numbers.length} are lost in silence: ${told}`);
  await client.close();
}

Deno.test(`after any sequence of ${TOLD.length} lies the client is at work within the hour`, async () => {
  const lives = fc.array(stretch, { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(lives, async (life) => {
      try {
        await live(life);
      } catch (error) {
        throw new Error(`${show(life)}\n${(error as Error).stack}`);
      }
    }),
    { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: 240_000 },
  );
});
