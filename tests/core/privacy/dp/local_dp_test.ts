import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  isReport,
  type LocalDp,
  localDp,
  randomise,
  supports,
  truthProbability,
} from "../../../../core/privacy/dp/local_dp.ts";
import { estimateFrequencies, supportProbabilities } from "../../../../core/privacy/dp/local_dp_estimate.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import { chiSquareExcess } from "../../../support/privacy/statistics.ts";

const EPSILONS = [0.5, 1, 2, 4];

/** n times the variance of a rare value's frequency (Wang et al. 2017, equation 2). */
function scaledVariance(mechanism: LocalDp): number {
  const { p, q } = supportProbabilities(mechanism);
  return q * (1 - q) / (p - q) ** 2;
}

/** 4 e^eps / (e^eps - 1)^2: what no mechanism goes below on large domains. */
const optimum = (epsilon: number) => 4 * Math.exp(epsilon) / Math.expm1(epsilon) ** 2;

/** How likely each report is for a value, in order. */
function likelihoods(mechanism: LocalDp, value: number): number[] {
  const { firstReport, reportCount, supportSize } = mechanism;
  const p = truthProbability(mechanism);
  return Array.from(
    { length: reportCount },
    (_, index) =>
      supports(mechanism, firstReport + index, value)
        ? p / supportSize
        : (1 - p) / (reportCount - supportSize),
  );
}

Deno.test("localDp() takes randomised response where its variance is the smaller one", () => {
  for (const epsilon of [0.1, ...EPSILONS]) {
    const crossing = 3 * Math.exp(epsilon) + 2;
    assertEquals(localDp(epsilon, Math.floor(crossing)).mechanism, "grr");
    assertEquals(localDp(epsilon, Math.ceil(1.2 * crossing) + 2).mechanism, "pgr");
    assert(scaledVariance(localDp(epsilon, Math.floor(crossing))) < optimum(epsilon));
  }
  assertEquals(localDp(16, 65536).mechanism, "grr");
});

Deno.test("localDp() has about the least variance that there is, with few reports, up to thousands of values", () => {
  for (let epsilon = 0.05; epsilon <= 4; epsilon += 0.05) {
    for (const domainSize of [100, 1_000, 5_000]) {
      const mechanism = localDp(epsilon, domainSize);
      assert(scaledVariance(mechanism) < 1.15 * optimum(epsilon), `${epsilon}, ${domainSize}`);
      assert(mechanism.reportCount >= domainSize && mechanism.reportCount <= 131_071);
    }
  }
  for (const epsilon of [0.001, 0.5, 1, 2, 3, 4, 5]) {
    const mechanism = localDp(epsilon, 65_536);
    assert(scaledVariance(mechanism) < 1.2 * optimum(epsilon), `${epsilon}`);
    assert(mechanism.reportCount <= 131_071);
  }
});

Deno.test("reports of points are none of those that local hashing had, which are refused", () => {
  const mechanism = localDp(1, 1_000);
  assertEquals(mechanism.mechanism, "pgr");
  const { firstReport, reportCount } = mechanism;
  assertEquals(firstReport, 65_536);
  for (const report of [firstReport, firstReport + reportCount - 1]) assert(isReport(mechanism, report));
  for (const other of [0, 800, 65_535, firstReport + reportCount, firstReport + 0.5, "65536", null]) {
    assert(!isReport(mechanism, other));
  }
});

Deno.test("localDp() refuses parameters out of range", () => {
  // At 1e-16 rounding makes the truth less likely than a lie, and every estimate would have the wrong sign.
  for (const epsilon of [0, -1, 1e-16, 0.0009, 20.1, NaN]) {
    assertThrows(() => localDp(epsilon, 4), RangeError, "epsilon");
  }
  for (const size of [1, 65537, 2.5, NaN]) assertThrows(() => localDp(1, size), RangeError, "values");
});

Deno.test("estimates are exactly unbiased for every value of a domain of any size", () => {
  for (
    const [epsilon, domainSize, value] of [[1, 4, 2], [0.5, 1_000, 700], [1, 300, 0], [2, 257, 256], [
      3,
      2_000,
      1_999,
    ]] as const
  ) {
    const mechanism = localDp(epsilon, domainSize);
    // What a million people of one value send on average.
    const average = likelihoods(mechanism, value).map((likelihood) => 1e6 * likelihood);
    for (const [index, { count }] of estimateFrequencies(mechanism, average).entries()) {
      assertAlmostEquals(count, index === value ? 1e6 : 0, 1e-3, `${epsilon}, ${domainSize}, ${index}`);
    }
  }
});

Deno.test("truthProbability() never makes the loss greater than epsilon, and loses next to nothing", () => {
  for (const epsilon of [0.001, ...EPSILONS, 10, 20]) {
    for (const domainSize of [2, 3, 100, 65536]) {
      const mechanism = localDp(epsilon, domainSize);
      const { reportCount, supportSize } = mechanism;
      const units = truthProbability(mechanism) * 2 ** 53;
      assert(Number.isInteger(units));
      // The likelihoods of one report under two values; a relative 2^-51 is the error of Math.exp and the division.
      const ratio = units / supportSize * (reportCount - supportSize) / (2 ** 53 - units);
      assert(ratio <= Math.exp(epsilon) * (1 + 2 ** -51), `${epsilon}, ${domainSize}`);
      assert(ratio >= Math.exp(epsilon) * (1 - 1e-6), `${epsilon}, ${domainSize}: ${ratio}`);
    }
  }
});

Deno.test("randomise() reports with the mechanism's exact distribution, by chi-square", () => {
  for (
    const [epsilon, domainSize, value] of [
      [0.5, 5, 3],
      [2, 2, 0],
      [0.5, 40, 17],
      [0.1, 60, 59],
      [2, 300, 0],
      [1, 1000, 999],
    ] as const
  ) {
    const mechanism = localDp(epsilon, domainSize);
    const random = seededRandom(domainSize);
    const { firstReport, reportCount } = mechanism;
    const observed = new Array<number>(reportCount).fill(0);
    for (let draw = 0; draw < 12 * reportCount + 5_000; draw++) {
      observed[randomise(mechanism, value, random.bytes) - firstReport]!++;
    }
    const excess = chiSquareExcess(observed, likelihoods(mechanism, value));
    assert(excess < 1, `${mechanism.mechanism} at ${epsilon}: ${excess}`);
  }
});

Deno.test("randomise() reports the same for the same random bytes, so that a keyed stream memoises", () => {
  const mechanism = localDp(1, 500);
  assertEquals(
    randomise(mechanism, 77, seededRandom(5).bytes),
    randomise(mechanism, 77, seededRandom(5).bytes),
  );
});

Deno.test("randomise() refuses values outside the domain without repeating them", () => {
  const mechanism = localDp(1, 4);
  for (const value of [-1, 4, 1.5, NaN]) {
    assertThrows(() => randomise(mechanism, value, seededRandom(1).bytes), RangeError, "outside 0..3");
  }
});
