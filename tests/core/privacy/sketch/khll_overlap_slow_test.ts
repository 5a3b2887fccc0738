import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { KHyperLogLog } from "../../../../core/privacy/sketch/khll.ts";
import {
  containment,
  intersectionCardinality,
  jaccard,
  overlap,
} from "../../../../core/privacy/sketch/khll_overlap.ts";
import { numberBytes } from "../../../support/privacy/number_bytes.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import { quantile } from "../../../support/privacy/statistics.ts";

function domainOf(trial: number): ComparisonDomain {
  return new ComparisonDomain(seededRandom(trial).bytes(32), ["trial"]);
}

/** A sketch of the values from..to - 1. */
function range(domain: ComparisonDomain, from: number, to: number, k = 2048): KHyperLogLog {
  const sketch = new KHyperLogLog({ k });
  const pseudonym = domain.hashPseudonym(numberBytes(0));
  for (let value = from; value < to; value++) sketch.add(domain.hashValue(numberBytes(value)), pseudonym);
  return sketch;
}

Deno.test("overlap() of small sets is exact: {1..5} and {3..7} intersect in 3", () => {
  const domain = domainOf(1);
  const shared = overlap(range(domain, 1, 6), range(domain, 3, 8));
  assertEquals(shared, { both: 3, onlyFirst: 2, onlySecond: 2, coverage: 1 });
  assertEquals(intersectionCardinality(shared), 3);
  assertEquals(jaccard(shared), 3 / 7);
  assertEquals(containment(shared), 3 / 5);
});

Deno.test("jaccard() of 0..99,999 and 0..149,999 is 2 / 3 to within 0.03", () => {
  for (let trial = 0; trial < 3; trial++) {
    const domain = domainOf(trial);
    const shared = overlap(range(domain, 0, 100_000), range(domain, 0, 150_000));
    assertAlmostEquals(jaccard(shared), 2 / 3, 0.03);
    assertAlmostEquals(intersectionCardinality(shared) / 100_000, 1, 0.08);
  }
});

Deno.test("containment() over 200 keys: one half at equal sizes, with 5 % .. 95 % inside 0.475 .. 0.525", () => {
  const estimates: number[] = [];
  for (let trial = 0; trial < 200; trial++) {
    const domain = domainOf(trial);
    estimates.push(containment(overlap(range(domain, 0, 6000), range(domain, 3000, 9000))));
  }
  assertAlmostEquals(quantile(estimates, 0.5), 0.5, 0.004);
  assert(quantile(estimates, 0.05) > 0.475, `5 %: ${quantile(estimates, 0.05)}`);
  assert(quantile(estimates, 0.95) < 0.525, `95 %: ${quantile(estimates, 0.95)}`);
});

Deno.test("containment() of a small set in one 25 times as large sees the same half", () => {
  // The smaller maximum leaves about 80 of the 400 values: an unbiased estimate with a wide spread.
  const estimates: number[] = [];
  for (let trial = 0; trial < 60; trial++) {
    const domain = domainOf(trial);
    estimates.push(containment(overlap(range(domain, 0, 400), range(domain, 200, 10_200))));
  }
  const mean = estimates.reduce((sum, estimate) => sum + estimate, 0) / estimates.length;
  assertAlmostEquals(mean, 0.5, 3.5 * Math.sqrt(0.25 / 80 / 60));
});

Deno.test("overlap() of a full sketch with itself, with a copy of another K, and with nothing", () => {
  const domain = domainOf(2);
  const sketch = range(domain, 0, 5000, 256);
  assertEquals(jaccard(overlap(sketch, sketch)), 1);
  assertEquals(containment(overlap(range(domain, 0, 5000, 512), sketch)), 1);
  const none = overlap(sketch, new KHyperLogLog());
  assertEquals([none.both, none.onlySecond, jaccard(none), containment(none)], [0, 0, 0, 0]);
  assertEquals(jaccard(overlap(new KHyperLogLog(), new KHyperLogLog())), 0);
});

Deno.test("overlap() of sketches of two comparison domains finds nothing", () => {
  assertEquals(overlap(range(domainOf(3), 0, 1000), range(domainOf(4), 0, 1000)).both, 0);
});
