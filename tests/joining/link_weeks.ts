import { assert, assertEquals } from "@std/assert";
import type { Exported } from "./subsets.ts";
import { drawn, drawnOnce, exportWeeks, type Habits, linked, shareLinkedWithin, WEEK } from "./subsets.ts";
import { chanceOf, expectedRight } from "./guessing.ts";
import { startService } from "../support/client/client_service.ts";
import { makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";
import { seededRandom } from "../core/voprf/suites.ts";

/** What chance does once in a thousand trials. */
const RARE = 0.001;

const HABITS: Omit<Habits, "draw"> = { devices: 2_000, weeks: 3, events: 24, sample: 0.5, seed: "devices" };

Deno.test("an analyst links the pseudonyms of nearly every device whose sampling was drawn once", () => {
  const { right, targets } = linked(exportWeeks({ ...HABITS, draw: drawnOnce }));
  assertEquals(targets.length, 4_000);
  assert(right > 0.99 * targets.length, `${right} of ${targets.length}`);
});

for (const sample of [0.5, 0.1]) {
  Deno.test(`by a sample of ${sample} that is drawn for each pseudonym an analyst links no more than a guesser`, () => {
    const { right, targets } = linked(exportWeeks({ ...HABITS, sample, draw: drawn }));
    const chance = chanceOf(right, targets);
    assert(chance > RARE, `${right} of ${targets.length}, ${expectedRight(targets)} are expected`);
  });
}

/** The table of docs/threat_model.md: the share of 2,000 devices that a subset names within a period. */
const WITHIN: readonly [events: number, sample: number, least: number, most: number][] = [
  [24, 0.5, 0.99, 1],
  [24, 0.1, 0.5, 0.6],
  [24, 0.01, 0.02, 0.05],
  [8, 0.5, 0.12, 0.13],
  [8, 0.1, 0.03, 0.06],
  [8, 0.01, 0.003, 0.01],
];

for (const [events, sample, least, most] of WITHIN) {
  Deno.test(`within a week a subset of ${events} events at ${sample} links the tokens of a share of devices from ${least} to ${most}`, () => {
    const [week] = exportWeeks({ ...HABITS, weeks: 1, events, sample, draw: drawn });
    const share = shareLinkedWithin(present(week), HABITS.devices);
    assert(share >= least && share <= most, String(share));
  });
}

Deno.test("what the client sends through the service is what the analyst is given: another subset in each week", async () => {
  const event = {
    description: "d",
    purpose: "p",
    owner: "o",
    expires: "2099-12-31",
    sample: 0.5,
    fields: {},
  } as const;
  const names = Array.from({ length: 24 }, (_, index) => `event_${index}`);
  const test = await startService({ events: Object.fromEntries(names.map((name) => [name, event])) });
  const devices = Array.from(
    { length: 40 },
    (_, index) =>
      makeClient(test, {
        session: () => test.signIn(`device ${index}`),
        random: seededRandom(`real ${index}`),
      }),
  );
  const weeks: { records: Exported[]; pseudonyms: string[] }[] = [];
  for (let week = 0; week < 3; week++) {
    const pseudonyms: string[] = [];
    for (const { client } of devices) {
      for (const name of names) client.log(name as never, {} as never);
      await client.flush();
      pseudonyms.push(present(await client.inspect()).pseudonym);
      // Nobody is throttled.
      test.clock.now += 10_000;
    }
    const records = (await test.records()).filter(({ pseudonym }) => pseudonyms.includes(present(pseudonym)));
    weeks.push({ records: records as Exported[], pseudonyms });
    test.clock.now += WEEK * 1000;
  }
  const { right, targets } = linked(weeks);
  assertEquals(targets.length, 80);
  assert(chanceOf(right, targets) > RARE, `${right} of ${targets.length}`);
  for (const { client } of devices) await client.close();
  await test.close();
});
