/**
 * What follows from counts of one release without looking at anybody again: sums of cells, the share of a sum in a whole,
 * and the quantile of a histogram, each with its interval.
 *
 * Every function takes the counts with their noise, those too that are too small to be published: to add up the
 * published ones alone would be wrong by the others, and by the noise that decided which ones those are.
 *
 * @module
 */
import type { Interval } from "./interval.ts";
import { type NoiseMoments, sumReach } from "./noise_sum.ts";

/** A sum of independently noised counts. */
export interface NoisedSum {
  /** The sum. */
  readonly sum: number;
  /** How many noised counts it is made of. */
  readonly draws: number;
  /** What there may be in cells that were not counted at all, since too few people have them; at most. */
  readonly unseen: number;
}

/** A share of a whole. */
export interface ShareEstimate extends Interval {
  /** The estimate, within [0, 1]; undefined where the noised whole is not positive. */
  readonly share: number | undefined;
}

/** Which bucket a quantile falls into. */
export interface BucketQuantile extends Interval {
  /** The estimate: an index, between those of the interval. */
  readonly bucket: number;
}

/** No cells. */
export const NO_CELLS: NoisedSum = { sum: 0, draws: 0, unseen: 0 };

/** All of these together. */
export function addUp(sums: Iterable<NoisedSum>): NoisedSum {
  let [sum, draws, unseen] = [0, 0, 0];
  for (const one of sums) {
    sum += one.sum;
    draws += one.draws;
    unseen += one.unseen;
  }
  return { sum, draws, unseen };
}

/**
 * The share part / (part + rest), where no cell belongs to both. The interval is Fieller's (Journal of the Royal
 * Statistical Society B 16, 1954), with the reach of the noise in place of the normal one: those shares s for which
 * (1 - s) part - s rest, whose mean is 0 for the true one, is no further from 0 than its noise reaches. So it also holds
 * where the whole is hardly more than noise: then it is [0, 1].
 */
export function shareInterval(
  part: NoisedSum,
  rest: NoisedSum,
  noise: NoiseMoments,
  confidence: number,
): ShareEstimate {
  const whole = part.sum + rest.sum;
  const lower = leastShare(part, rest, noise, confidence);
  const upper = 1 - leastShare(rest, part, noise, confidence);
  if (whole <= 0) return { share: undefined, lower: 0, upper: 1 };
  const share = Math.min(1, Math.max(0, part.sum / whole));
  return { share, lower: Math.min(lower, share), upper: Math.max(upper, share) };
}

/** The least share that the noise allows; all that is unseen is counted to the rest. */
function leastShare(part: NoisedSum, rest: NoisedSum, noise: NoiseMoments, confidence: number): number {
  const excess = (share: number) =>
    (1 - share) * part.sum - share * (rest.sum + rest.unseen) -
    sumReach(
      noise,
      [{ weight: 1 - share, draws: part.draws }, { weight: share, draws: rest.draws }],
      confidence,
    );
  if (excess(0) <= 0) return 0;
  // A linear function less a convex one: from above 0 it comes down to it once.
  let [below, above] = [0, 1];
  for (let step = 0; step < 30; step++) {
    const middle = (below + above) / 2;
    if (excess(middle) > 0) below = middle;
    else above = middle;
  }
  return below;
}

/**
 * The bucket that holds the p-quantile: the first up to which there is at least a share p of everybody. Bucket j is too
 * low when (1 - p) (sum up to j) - p (sum beyond) is negative. For the two buckets on which the answer turns that is
 * decided once each, with half of the error allowed, so the interval needs no correction for the number of buckets.
 * Undefined where the noised histogram holds nobody.
 * Throws a `RangeError` unless 0 < p < 1.
 */
export function bucketQuantile(
  buckets: readonly NoisedSum[],
  p: number,
  noise: NoiseMoments,
  confidence: number,
): BucketQuantile | undefined {
  if (!(p > 0 && p < 1)) throw new RangeError(`Cannot find a quantile: ${p} is not between 0 and 1`);
  const all = addUp(buckets);
  if (all.sum <= 0) return undefined;
  const last = buckets.length - 1;
  let [lower, upper, bucket] = [last, 0, last];
  let upTo = NO_CELLS;
  // In the last bucket everybody is below, whatever the noise says.
  for (const [index, one] of buckets.slice(0, last).entries()) {
    upTo = addUp([upTo, one]);
    const beyond = {
      sum: all.sum - upTo.sum,
      draws: all.draws - upTo.draws,
      unseen: all.unseen - upTo.unseen,
    };
    const excess = (1 - p) * upTo.sum - p * beyond.sum;
    const reach = sumReach(noise, [
      { weight: 1 - p, draws: upTo.draws },
      { weight: p, draws: beyond.draws },
    ], confidence);
    if (excess >= 0) bucket = Math.min(bucket, index);
    if (excess + (1 - p) * upTo.unseen + reach >= 0) lower = Math.min(lower, index);
    if (excess - p * beyond.unseen - reach < 0) upper = index + 1;
  }
  return { bucket: Math.min(Math.max(bucket, lower), upper), lower, upper };
}
