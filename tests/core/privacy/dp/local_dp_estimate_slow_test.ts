import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type LocalDp, localDp, randomise } from "../../../../core/privacy/dp/local_dp.ts";
import {
  estimateFrequencies,
  type FrequencyEstimate,
} from "../../../../core/privacy/dp/local_dp_estimate.ts";
import { type SeededRandom, seededRandom, trials } from "../../../support/base/seeded_random.ts";
import { moments } from "../../../support/privacy/statistics.ts";

/** What the server estimates if `counts[v]` clients have value v. */
function surveyed(mechanism: LocalDp, counts: readonly number[], random: SeededRandom): FrequencyEstimate[] {
  const histogram = new Float64Array(mechanism.reportCount);
  for (const [value, count] of counts.entries()) {
    for (let client = 0; client < count; client++) {
      histogram[randomise(mechanism, value, random.bytes) - mechanism.firstReport]!++;
    }
  }
  return estimateFrequencies(mechanism, histogram);
}

/** 4 e^eps / (e^eps - 1)^2: the least that there is on large domains. */
function optimum(epsilon: number): number {
  return 4 * Math.exp(epsilon) / Math.expm1(epsilon) ** 2;
}

Deno.test("n x variance of randomised response is (e^eps + d - 2) / (e^eps - 1)^2, within 5 %", () => {
  for (const epsilon of [0.5, 1, 2, 4]) {
    const d = 5, n = 100, surveys = trials(1_500);
    const mechanism = localDp(epsilon, d);
    assertEquals(mechanism.mechanism, "grr");
    const random = seededRandom(epsilon * 10);
    // All clients have value 0: the others are rare.
    const rare: number[] = [];
    for (let survey = 0; survey < surveys; survey++) {
      const estimates = surveyed(mechanism, [n, 0, 0, 0, 0], random);
      rare.push(...estimates.slice(1).map(({ count }) => count / n));
    }
    const formula = (Math.exp(epsilon) + d - 2) / Math.expm1(epsilon) ** 2;
    const { mean, variance } = moments(rare);
    assertAlmostEquals(n * variance / formula, 1, 0.05, `at ${epsilon}`);
    assertAlmostEquals(mean, 0, 4 * Math.sqrt(formula / n / rare.length));
  }
});

Deno.test("n x variance of projective geometry response is 4 e^eps / (e^eps - 1)^2, within 5 %", () => {
  for (const [epsilon, d] of [[0.5, 60], [1, 60], [2, 60], [4, 200]] as const) {
    const n = 1000, surveys = trials(80);
    const mechanism = localDp(epsilon, d);
    assertEquals(mechanism.mechanism, "pgr");
    const random = seededRandom(epsilon * 10);
    // Half of the clients have value 0, half value 1, and the other values are rare.
    const counts = [n / 2, n / 2, ...new Array<number>(d - 2).fill(0)];
    const rare: number[][] = [];
    for (let survey = 0; survey < surveys; survey++) {
      rare.push(surveyed(mechanism, counts, random).slice(2).map(({ count }) => count / n));
    }
    assertAlmostEquals(n * moments(rare.flat()).variance / optimum(epsilon), 1, 0.05, `at ${epsilon}`);
    // The estimates of one survey depend on one another: only surveys are independent.
    const { mean, variance } = moments(rare.map((estimates) => moments(estimates).mean));
    assertAlmostEquals(mean, 0, 5 * Math.sqrt(variance / surveys));
  }
});

Deno.test("estimateFrequencies() is unbiased for every value, frequent or rare", () => {
  for (const [epsilon, domainSize] of [[1, 4], [0.5, 30], [1, 30], [2, 30]] as const) {
    const mechanism = localDp(epsilon, domainSize);
    const random = seededRandom(domainSize);
    const truth = [300, 150, 50, ...new Array<number>(domainSize - 3).fill(0)];
    const surveys = trials(100);
    const sums = truth.map(() => 0);
    let deviation = 0;
    for (let survey = 0; survey < surveys; survey++) {
      for (const [value, { count, standardDeviation }] of surveyed(mechanism, truth, random).entries()) {
        sums[value]! += count;
        deviation = Math.max(deviation, standardDeviation);
      }
    }
    for (const [value, sum] of sums.entries()) {
      assertAlmostEquals(sum / surveys, truth[value]!, 5 * deviation / Math.sqrt(surveys), `value ${value}`);
    }
  }
});

Deno.test("95 % intervals hold the truth 95 times in 100, for frequent and for rare values", () => {
  for (const [epsilon, domainSize] of [[1, 4], [0.5, 40], [2, 40]] as const) {
    const mechanism = localDp(epsilon, domainSize);
    const random = seededRandom(domainSize);
    const truth = [200, 150, 100, ...new Array<number>(domainSize - 3).fill(0)];
    const surveys = trials(150);
    const held = { frequent: 0, rare: 0 };
    for (let survey = 0; survey < surveys; survey++) {
      for (const [value, { interval }] of surveyed(mechanism, truth, random).entries()) {
        const holds = interval.lower <= truth[value]! && truth[value]! <= interval.upper;
        held[value < 3 ? "frequent" : "rare"] += holds ? 1 : 0;
      }
    }
    assertAlmostEquals(held.frequent / (3 * surveys), 0.95, 0.04, `frequent, ${epsilon}`);
    assertAlmostEquals(held.rare / ((domainSize - 3) * surveys), 0.95, 0.04, `rare, ${epsilon}`);
  }
});

Deno.test("estimates and intervals of a thousand values hold, where one of them has nearly everybody", () => {
  for (const epsilon of [0.5, 2]) {
    const mechanism = localDp(epsilon, 1_000);
    assertEquals(mechanism.mechanism, "pgr");
    const random = seededRandom(3);
    const n = 40_000;
    const truth = new Array<number>(1_000).fill(0);
    truth[700] = n - 4_000;
    truth[999] = 4_000;
    const estimates = surveyed(mechanism, truth, random);
    const held = estimates.filter(({ interval }, value) =>
      interval.lower <= truth[value]! && truth[value]! <= interval.upper
    ).length;
    assert(held > 930, `${held} of 1000`);
    const { variance } = moments(estimates.map(({ count }, value) =>
      count - truth[value]!
    ));
    assertAlmostEquals(Math.sqrt(variance) / estimates[0]!.standardDeviation, 1, 0.1);
    assertAlmostEquals(Math.sqrt(variance / n / optimum(epsilon)), 1, 0.1);
  }
});

Deno.test("estimateFrequencies() of no reports is 0 for certain, and another length is refused", () => {
  const mechanism = localDp(1, 4);
  for (const { count, standardDeviation } of estimateFrequencies(mechanism, [0, 0, 0, 0])) {
    assertEquals([Math.abs(count), standardDeviation], [0, 0]);
  }
  assertThrows(() => estimateFrequencies(mechanism, [1, 2, 3]), RangeError, "3 counts instead of 4");
});
