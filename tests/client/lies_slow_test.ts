/**
 * Any sequence of lies, then honesty: delivery resumes within the hour, nothing is doubled, nothing is linked, and what no
 * lie has cost arrives.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type DitClient, MemoryStorage } from "../../client/mod.ts";
import { stalled } from "../lies/answers.ts";
import { startLyingService } from "../lies/lying_service.ts";
import { LIES } from "../lies/rows/mod.ts";
import type { Lie } from "../lies/table.ts";
import { assertUnlinked, numberOf } from "../lies/seen.ts";
import { droppedBy, makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

/** `DIT_LIES_SEED` repeats or varies the draws; fast-check prints the seed of a run that fails, and the least sequence. */
const SEED = Number(Deno.env.get("DIT_LIES_SEED") ?? 17);
const RUNS = Number(Deno.env.get("DIT_LIES_RUNS") ?? 120);
const HOUR = 3_600;
/** As long as an event waits, less the hour that its time is rounded by. */
const WEEK_MS = (7 * 24 - 1) * HOUR * 1000;

/** Lies that need nothing of their service, no half minute of waiting, and leave a quota of two. */
const TOLD = LIES.filter(({ service, mirror, declared, tell, client }) =>
  service === undefined && !mirror && !declared && !client.wastesQuota &&
  !Object.values(tell).includes(stalled)
);

/** Whether a lie alone may cost an event that waits while it is told. */
const costs = ({ client: { dropped = {}, untrue } }: Lie) =>
  untrue !== undefined || dropped === "any" || Object.keys(dropped).length > 0;

/** What an event has been through. */
interface Fate {
  readonly loggedAt: number;
  /** Told in its time: a lie that costs events, or (of logs) one that has it refused or leaves it unknown what became of it. */
  lies: number;
  isCost: boolean;
}

/**
 * Whether the client may lose an event: to a lie that costs events, to two about logs (an unknown outcome and a refusal,
 * or a refusal for each of two tokens), to one about logs before the pseudonym turns or the key ends, or to a week.
 */
function mayLose({ loggedAt, lies, isCost }: Fate, now: number): boolean {
  return isCost || lies > 1 || (lies > 0 && now - loggedAt > 12 * HOUR * 1000) || now - loggedAt > WEEK_MS;
}

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

/** How many events were logged in times of lies, and how many of them had to arrive: a test that spares all tests nothing. */
const counted = { logged: 0, due: 0 };

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
  const fates: Fate[] = [];
  /** Whether a lying schema or directory of before may be at hand, and until when at least: others may have been refused. */
  let isCostly = false;
  let costlyUntil = 0;
  const log = (count: number) => {
    for (let event = 0; event < count; event++) {
      present(made.at(-1)).client.log("counted", { number: fates.length });
      fates.push({ loggedAt: test.clock.now, lies: 0, isCost: isCostly });
    }
  };
  const storedNumbers = async () =>
    (await test.records()).flatMap(({ events }) => events.map(numberOf)).sort((a, b) => a - b);

  let untrue = 0;
  for (const { lie, events, flushes, pause, restarts } of life) {
    service.lie = lie?.tell;
    // What the service says it has taken and has not is lost, whatever the client does.
    if (lie?.client.untrue !== undefined) untrue = Infinity;
    const before = lie === undefined ? [] : await storedNumbers();
    log(events);
    for (const [number, fate] of fates.entries()) {
      if (lie === undefined || before.includes(number)) continue;
      if (costs(lie)) fate.isCost = true;
      if (lie.tell.logs !== undefined) fate.lies++;
    }
    for (let flush = 0; flush < flushes; flush++) await present(made.at(-1)).client.flush();
    if (restarts) {
      await present(made.at(-1)).client.close();
      made.push(start());
    }
    if (lie !== undefined && (costs(lie) || isCostly)) {
      isCostly = true;
      costlyUntil = test.clock.now + HOUR * 1000;
    } else if (flushes > 0 && test.clock.now >= costlyUntil) isCostly = false;
    test.clock.now += pause * 1000;
  }

  service.lie = undefined;
  test.clock.now += HOUR * 1000;
  const before = fates.length;
  log(3);
  const { client } = present(made.at(-1));
  await client.flush();

  const told = JSON.stringify(made.map(({ heard }) => heard));
  const { bound, waiting } = present(await client.inspect());
  assertEquals([bound, waiting], [[], []], `what is left after an hour of honesty: ${told}`);
  assertUnlinked(service.seen);
  const numbers = await storedNumbers();
  assertEquals(numbers, [...new Set(numbers)], `an event is stored twice: ${told}`);
  for (const [number, fate] of fates.entries()) {
    if (number < before && mayLose(fate, test.clock.now)) continue;
    if (number < before) counted.due++;
    assert(numbers.includes(number), `${number} is lost: ${told}`);
  }
  counted.logged += before;
  const drops = made.flatMap(({ heard }) => Object.values(droppedBy(heard)));
  const lost = drops.reduce((sum, count) => sum + count, 0);
  assert(
    numbers.length >= fates.length - lost - untrue,
    `${fates.length - numbers.length} are lost in silence: ${told}`,
  );
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
  assert(counted.due > counted.logged / 4, `${counted.due} of ${counted.logged} had to arrive`);
});
