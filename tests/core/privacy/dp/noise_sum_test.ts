import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { gaussianMoments, laplaceMoments, sumReach } from "../../../../core/privacy/dp/noise_sum.ts";
import { type Rational, rational, toNumber } from "../../../../core/privacy/dp/rational.ts";

/** The probabilities of -R..R, by definition. */
function laplace(scale: Rational): number[] {
  const b = toNumber(scale);
  return normalised(Math.ceil(40 * b + 3), (x) => Math.exp(-Math.abs(x) / b));
}

function gaussian(variance: Rational): number[] {
  const sigma2 = toNumber(variance);
  return normalised(Math.ceil(12 * Math.sqrt(sigma2) + 3), (x) => Math.exp(-x * x / (2 * sigma2)));
}

function normalised(reach: number, weight: (x: number) => number): number[] {
  const weights = Array.from({ length: 2 * reach + 1 }, (_, index) => weight(index - reach));
  const sum = weights.reduce((total, one) => total + one, 0);
  return weights.map((one) => one / sum);
}

/** The distribution of the sum of independent integers, each -R..R. */
function convolve(a: readonly number[], b: readonly number[]): number[] {
  const out = new Array<number>(a.length + b.length - 1).fill(0);
  for (const [i, p] of a.entries()) {
    if (p < 1e-15) continue;
    for (const [j, q] of b.entries()) out[i + j]! += p * q;
  }
  return out;
}

function stretch(a: readonly number[], weight: number): number[] {
  const out = new Array<number>((a.length - 1) * weight + 1).fill(0);
  for (const [i, p] of a.entries()) out[i * weight] = p;
  return out;
}

function beyond(distribution: readonly number[], h: number): number {
  const middle = (distribution.length - 1) / 2;
  return distribution.reduce((sum, p, index) => Math.abs(index - middle) > h ? sum + p : sum, 0);
}

Deno.test("laplaceMoments() are those of the distribution", () => {
  for (const scale of [rational(1n, 4n), rational(1n), rational(2n), rational(15n)]) {
    const p = laplace(scale);
    const middle = (p.length - 1) / 2;
    const moment = (k: number) => p.reduce((sum, one, index) => sum + one * (index - middle) ** k, 0);
    const { variance, excessKurtosis } = laplaceMoments(scale);
    assertAlmostEquals(variance / moment(2), 1, 1e-9);
    assertAlmostEquals(excessKurtosis / (moment(4) / moment(2) ** 2 - 3), 1, 1e-9);
  }
  // Where the difference from the continuous distribution is below what floating point tells apart.
  assertAlmostEquals(laplaceMoments(rational(10n ** 9n)).variance / 2e18, 1, 1e-9);
  assertAlmostEquals(laplaceMoments(rational(10n ** 9n)).excessKurtosis, 3, 1e-9);
  assert(laplaceMoments(rational(1n, 10_000n)).variance >= 0);
});

Deno.test("sumReach() holds 95 of 100 sums of any number of draws, and is not far too wide", () => {
  for (
    const [moments, one] of [
      ...[rational(1n, 4n), rational(1n, 2n), rational(1n), rational(2n), rational(10n)].map((scale) =>
        [laplaceMoments(scale), laplace(scale)] as const
      ),
      ...[rational(1n, 3n), rational(1n), rational(25n)].map((variance) =>
        [gaussianMoments(variance), gaussian(variance)] as const
      ),
    ]
  ) {
    let sum: number[] = one;
    for (let draws = 1; draws <= 12; draws++) {
      const reach = Math.floor(sumReach(moments, [{ weight: 1, draws }], 0.95));
      const missed = beyond(sum, reach);
      assert(missed <= 0.05, `${JSON.stringify(moments)} ${draws}: ${missed}`);
      // A step or a fiftieth less would not do, where noise has more than a few values.
      if (moments.variance > 0.5) {
        assert(beyond(sum, Math.floor(0.96 * (reach - 1))) > 0.05, `${JSON.stringify(moments)} ${draws}`);
      }
      sum = convolve(sum, one);
    }
  }
});

Deno.test("sumReach() holds 95 of 100 weighted sums, of a share's and of a quantile's weights", () => {
  for (const scale of [rational(1n, 2n), rational(2n), rational(6n)]) {
    const one = laplace(scale);
    for (const [first, second] of [[1, 1], [9, 1], [99, 1], [3, 7]] as const) {
      for (const draws of [1, 3]) {
        const few = Array.from({ length: draws - 1 }).reduce<number[]>((sum) => convolve(sum, one), one);
        const sum = convolve(stretch(few, first), stretch(one, second));
        const terms = [{ weight: first / 100, draws }, { weight: second / 100, draws: 1 }];
        const missed = beyond(sum, 100 * sumReach(laplaceMoments(scale), terms, 0.95) + 1e-9);
        assert(missed <= 0.0502, `${toNumber(scale)} ${first}:${second} ${draws}: ${missed}`);
      }
    }
  }
});

Deno.test("sumReach() of nothing is 0, and it takes no confidence that it would be too narrow for", () => {
  const moments = laplaceMoments(rational(2n));
  assert(sumReach(moments, [], 0.95) === 0);
  assertThrows(() => sumReach(moments, [{ weight: 1, draws: 1 }], 0.5), RangeError);
  assertThrows(() => laplaceMoments(rational(0n)), RangeError);
  assertThrows(() => gaussianMoments(rational(-1n)), RangeError);
});
