import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { discreteGaussian, discreteLaplace } from "../../../../core/privacy/dp/noise.ts";
import { type Rational, rational, rationalOf, toNumber } from "../../../../core/privacy/dp/rational.ts";
import { UniformSource } from "../../../../core/base/uniform.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import { chiSquareExcess, moments } from "../../../support/privacy/statistics.ts";

type Sampler = (size: Rational, random: UniformSource) => bigint;

const DRAWS = 20_000;

function draws(sampler: Sampler, size: Rational, seed: number): number[] {
  const random = new UniformSource(seededRandom(seed).bytes, 4096);
  return Array.from({ length: DRAWS }, () => Number(sampler(size, random)));
}

/** Counts and probabilities of -reach .. reach; everything beyond counts to the first or the last. */
function compared(values: number[], reach: number, weight: (x: number) => number): [number[], number[]] {
  const counts = new Array<number>(2 * reach + 1).fill(0);
  for (const value of values) counts[Math.max(-reach, Math.min(reach, value)) + reach]!++;
  const weights = counts.map(() => 0);
  for (let x = -60 * reach; x <= 60 * reach; x++) {
    weights[Math.max(-reach, Math.min(reach, x)) + reach]! += weight(x);
  }
  const total = weights.reduce((sum, value) => sum + value);
  return [counts, weights.map((value) => value / total)];
}

const laplaceWeight = (scale: number) => (x: number) => Math.exp(-Math.abs(x) / scale);
const gaussianWeight = (variance: number) => (x: number) => Math.exp(-x * x / (2 * variance));

Deno.test("discreteLaplace() has the exact distribution, by chi-square", () => {
  for (
    const [seed, scale] of [rational(1n), rational(1n, 3n), rational(7n, 2n), rationalOf(12.5)].entries()
  ) {
    const b = toNumber(scale);
    const [counts, probabilities] = compared(
      draws(discreteLaplace, scale, seed),
      Math.ceil(8 * b),
      laplaceWeight(b),
    );
    const excess = chiSquareExcess(counts, probabilities);
    assert(excess < 1, `scale ${b}: ${excess}`);
  }
});

Deno.test("discreteGaussian() has the exact distribution, by chi-square", () => {
  for (
    const [seed, variance] of [rational(1n), rational(1n, 4n), rational(9n, 2n), rationalOf(60.5)].entries()
  ) {
    const sigma2 = toNumber(variance);
    const [counts, probabilities] = compared(
      draws(discreteGaussian, variance, seed),
      Math.ceil(5 * Math.sqrt(sigma2)),
      gaussianWeight(sigma2),
    );
    const excess = chiSquareExcess(counts, probabilities);
    assert(excess < 1, `variance ${sigma2}: ${excess}`);
  }
});

Deno.test("the chi-square test sees a scale 7 % off, a variance 10 % off, and a zero that comes twice", () => {
  const values = draws(discreteLaplace, rational(2n), 1);
  assert(chiSquareExcess(...compared(values, 16, laplaceWeight(2.14))) > 1);
  assert(
    chiSquareExcess(...compared(draws(discreteGaussian, rational(4n), 1), 10, gaussianWeight(4.4))) > 1,
  );
  const doubled = (x: number) => laplaceWeight(2)(x) * (x === 0 ? 2 : 1);
  assert(chiSquareExcess(...compared(values, 16, doubled)) > 1);
});

Deno.test("noise is symmetric and as wide as its formula for terms of a hundred digits", () => {
  // e / pi times 10^3, say: a scale whose terms do not fit a machine word.
  const scale = rational(865_255_979_432_265_087_217_774_789_646_089_617n, 10n ** 33n);
  const { mean, variance } = moments(draws(discreteLaplace, scale, 5));
  const r = Math.exp(-1 / toNumber(scale));
  const expected = 2 * r / (1 - r) ** 2;
  assertAlmostEquals(mean / Math.sqrt(expected), 0, 3.5 / Math.sqrt(DRAWS));
  assertAlmostEquals(variance / expected, 1, 3.5 * Math.sqrt(5 / DRAWS));

  const gaussian = moments(draws(discreteGaussian, rational(10n ** 50n + 1n, 10n ** 44n), 6));
  assertAlmostEquals(gaussian.mean / 1000, 0, 3.5 / Math.sqrt(DRAWS));
  assertAlmostEquals(gaussian.variance / 1e6, 1, 3.5 * Math.sqrt(2 / DRAWS));
});

Deno.test("noise comes from the random source alone", () => {
  assertEquals(draws(discreteGaussian, rational(100n), 7), draws(discreteGaussian, rational(100n), 7));
});

Deno.test("noise of no size is refused", () => {
  const random = new UniformSource(seededRandom(1).bytes);
  for (const size of [rational(0n), rational(-1n)]) {
    assertThrows(() => discreteLaplace(size, random), RangeError);
    assertThrows(() => discreteGaussian(size, random), RangeError);
  }
});
