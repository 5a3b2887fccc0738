/**
 * How far sums of noised counts can be off: what is added up after the noise costs nothing more, and its error is that
 * of a weighted sum of independent draws.
 *
 * @module
 */
import { normalReach } from "./interval.ts";
import { type Rational, toNumber } from "./rational.ts";

/** What the error of a sum follows from. */
export interface NoiseMoments {
  /** The variance of one draw, or a bound of it. */
  readonly variance: number;
  /** Its fourth cumulant over the squared variance: how much heavier its tails are than a normal variable's. */
  readonly excessKurtosis: number;
}

/** So many draws that enter a sum with the same weight. */
export interface WeightedDraws {
  /** What each is multiplied with; its sign does not matter, as the noise is symmetric. */
  readonly weight: number;
  /** How many. */
  readonly draws: number;
}

/**
 * The moments of discrete Laplace noise, exactly: it is the difference of two geometric variables of ratio
 * r = exp(-1 / scale), so its variance is 2 r / (1 - r)^2 and its excess kurtosis 3 + (1 - r)^2 / (2 r).
 * Throws a `RangeError` unless the scale is positive.
 */
export function laplaceMoments(scale: Rational): NoiseMoments {
  const b = toNumber(scale);
  if (!(b > 0)) throw new RangeError("Cannot add up noise: its scale is not positive");
  // (1 - r)^2 / (2 r) without the cancellation of a scale far above 1. Below 1 / 700 the variance would be 0.
  const excess = 2 * Math.sinh(Math.min(1 / (2 * b), 350)) ** 2;
  return { variance: 1 / excess, excessKurtosis: 3 + excess };
}

/**
 * Moments that bound discrete Gaussian noise: its variance is at most its parameter, and its tails are no heavier than
 * those of the normal variable of that variance (Canonne, Kamath and Steinke 2020).
 * Throws a `RangeError` unless the parameter is positive.
 */
export function gaussianMoments(variance: Rational): NoiseMoments {
  const parameter = toNumber(variance);
  if (!(parameter > 0)) throw new RangeError("Cannot add up noise: its variance is not positive");
  return { variance: parameter, excessKurtosis: 0 };
}

/**
 * An h with P(|sum| <= h) >= confidence for a weighted sum of independent draws, by the Cornish-Fisher expansion to the
 * fourth cumulant (the third is 0): for a single continuous Laplace variable, its worst case, that is 2 % too wide, for
 * two 0.3 %. Draws are integers, so the sum leaps by up to the greatest weight: half of that is added, as for continuity.
 * With weights of 1 the sum is an integer, and h may be rounded down.
 * Throws a `RangeError` for a confidence below 0.92, where the expansion would be too narrow.
 */
export function sumReach(
  { variance, excessKurtosis }: NoiseMoments,
  terms: readonly WeightedDraws[],
  confidence: number,
): number {
  const reach = normalReach(confidence);
  if (confidence < 0.92) throw new RangeError(`Cannot bound a sum with a confidence of ${confidence}`);
  const squares = terms.reduce((sum, { weight, draws }) => sum + draws * weight ** 2, 0);
  if (squares === 0) return 0;
  const fourths = terms.reduce((sum, { weight, draws }) => sum + draws * weight ** 4, 0);
  const kurtosis = excessKurtosis * fourths / squares ** 2;
  const leap = Math.max(...terms.map(({ weight, draws }) => draws > 0 ? Math.abs(weight) : 0));
  return Math.sqrt(variance * squares) * (reach + kurtosis * (reach ** 3 - 3 * reach) / 24) + leap / 2;
}
