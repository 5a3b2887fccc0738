import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { DigestSample } from "../../../../core/privacy/sketch/digest_sample.ts";
import { judgeTotals } from "../../../../core/privacy/risk/total_judgement.ts";
import { draw, zipf } from "../../../support/privacy/monitored.ts";
import { type SeededRandom, seededRandom } from "../../../support/base/seeded_random.ts";

const APP = {
  risk: {},
  expectedClients: 10_000,
  minCrowd: 20,
  tokensPerClient: 2,
  epochSeconds: 86_400,
  pseudonymSeconds: 7 * 86_400,
};
const PEOPLE = 60_000;

/** What `PEOPLE` people say, in a sample of `capacity` and counted exactly. */
function population(totalOf: (person: number, random: SeededRandom) => number, capacity: number) {
  const random = seededRandom(9);
  const sample = new DigestSample(capacity);
  const crowds = new Map<number, number>();
  for (let person = 0; person < PEOPLE; person++) {
    const total = totalOf(person, random);
    crowds.set(total, (crowds.get(total) ?? 0) + 1);
    sample.add(random.uint32() * 2 ** 20 + (random.uint32() >>> 12), total);
  }
  let rare = 0;
  for (const crowd of crowds.values()) if (crowd <= 2) rare += crowd;
  return { ...judgeTotals(sample, APP), truth: rare / PEOPLE };
}

const ZIPF = new Map([1_000, 3_000].map((size) => [size, zipf(size)]));

Deno.test("judgeTotals() counts exactly as long as all pseudonyms are kept", () => {
  const { figures, truth } = population((person) => person % 3 === 0 ? person : person % 100, 2 ** 20);
  assertEquals([figures.pseudonyms, figures.sampled], [PEOPLE, PEOPLE]);
  assertAlmostEquals(figures.exposed, truth, 1e-12);
  // Fourteen pseudonyms are those of one account.
  assertAlmostEquals(figures.exposedLeast, (truth * PEOPLE - 14) / (PEOPLE - 14), 1e-12);
});

Deno.test("judgeTotals() finds from a sample that all are singled out, and surely", () => {
  const { figures, verdict } = population((person) => person, 2_048);
  assertEquals(figures.exposed, 1);
  assert(figures.exposedLeast > 0.8, `${figures.exposedLeast}`);
  assert(Math.abs(figures.values - PEOPLE) < 4_000);
  assertEquals(verdict, "stop");
});

Deno.test("judgeTotals() takes nobody for singled out because they are alone in a sample", () => {
  // Crowds of 20, of which a sample of a thirtieth or so has one or two.
  const { figures, verdict, truth } = population((person) => person % 3_000, 2_048);
  assertEquals(truth, 0);
  assertLess(figures.exposed, 0.05);
  assertEquals(figures.exposedLeast, 0);
  assertEquals(verdict, "passed");
});

Deno.test("judgeTotals() errs little on Zipf totals, and is never surer than the truth", () => {
  for (const [size, weights] of ZIPF) {
    const { figures, truth, verdict } = population((_, random) => draw(random, weights), 2_048);
    const told = `${size}: ${figures.exposed}, at least ${figures.exposedLeast}, truth ${truth}`;
    assert(Math.abs(figures.exposed - truth) < 0.12, told);
    assert(figures.exposedLeast <= truth, told);
    assertEquals(verdict, "passed", told);
  }
});

Deno.test("judgeTotals() finds those who are singled out among others who say the same", () => {
  for (const share of [0.3, 0.9]) {
    const { figures, truth } = population(
      (person, random) => random.unit() < share ? 1e6 + person : 1,
      2_048,
    );
    assert(Math.abs(figures.exposed - truth) < 0.05, `${figures.exposed} for ${truth}`);
    assert(figures.exposedLeast <= truth && figures.exposedLeast > 0.5 * truth, `${figures.exposedLeast}`);
  }
});
