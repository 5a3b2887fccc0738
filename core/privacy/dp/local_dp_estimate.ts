/**
 * What many locally randomised reports say about how many clients have each value: the unbiased estimators that belong
 * to `local_dp.ts` (Wang et al., USENIX Security 2017, equation 1), with intervals.
 *
 * @module
 */
import { type Interval, normalReach } from "./interval.ts";
import { type LocalDp, truthProbability } from "./local_dp.ts";
import { orthogonalSums } from "./projective_transform.ts";

/** How many of the reporting clients have one value. */
export interface FrequencyEstimate {
  /** Unbiased, so it can be negative or above the number of reports. */
  readonly count: number;
  /** Of the count, by the randomisation. */
  readonly standardDeviation: number;
  /** Normal; not cut at 0. */
  readonly interval: Interval;
}

/**
 * Estimates the number of clients for each of the domain's values, in order. `histogram[r]` is how often the report
 * `firstReport + r` came, one report a client. Throws a `RangeError` if its length is not `reportCount`.
 *
 * A report supports its client's value with probability p and any other one with probability q, the same for all, so
 * (supports - n q) / (p - q) is unbiased for every value.
 *
 * Noise that was added to every count of the histogram, of `noiseVariance` each, is part of the standard deviation.
 */
export function estimateFrequencies(
  mechanism: LocalDp,
  histogram: ArrayLike<number>,
  confidence = 0.95,
  noiseVariance = 0,
): FrequencyEstimate[] {
  const { reportCount } = mechanism;
  if (histogram.length !== reportCount) {
    throw new RangeError(`Cannot estimate: ${histogram.length} counts instead of ${reportCount}`);
  }
  const n = Array.from(histogram).reduce((sum, count) => sum + count, 0);
  const { p, q } = supportProbabilities(mechanism);
  const supports = mechanism.mechanism === "grr" ? histogram : orthogonalSums(mechanism, histogram);
  return Array.from({ length: mechanism.domainSize }, (_, value) => {
    const count = ((supports[value] ?? 0) - n * q) / (p - q);
    return { count, ...spreadOf(mechanism, { count, reports: n, confidence, noiseVariance }) };
  });
}

/** An estimated count, and what it was estimated from. */
export interface Estimated {
  /** The count. */
  readonly count: number;
  /** How many reports there were of all values; noised where each count of the histogram was. */
  readonly reports: number;
  /** Confidence of the interval. */
  readonly confidence: number;
  /** Of the noise that was added to every count of the histogram. */
  readonly noiseVariance: number;
}

/** How far an estimated count is off: it follows from the count and from how many reports there were. */
export function spreadOf(
  mechanism: LocalDp,
  { count, reports, confidence, noiseVariance }: Estimated,
): Omit<FrequencyEstimate, "count"> {
  const { reportCount, supportSize } = mechanism;
  const { p, q } = supportProbabilities(mechanism);
  // A count is the sum of the reports that support it less q times the sum of all, so noise enters by two weights.
  const supporting = supportSize * (1 - q) ** 2 + (reportCount - supportSize) * q ** 2;
  const all = Math.max(reports, 0);
  const having = Math.min(Math.max(count, 0), all);
  const variance = (having * p * (1 - p) + (all - having) * q * (1 - q) + noiseVariance * supporting) /
    (p - q) ** 2;
  const standardDeviation = Math.sqrt(variance);
  const reach = normalReach(confidence) * standardDeviation;
  return { standardDeviation, interval: { lower: count - reach, upper: count + reach } };
}

/** The probabilities that a report supports its client's value, and that it supports a given other one. */
export function supportProbabilities(mechanism: LocalDp): { readonly p: number; readonly q: number } {
  const { reportCount, supportSize, sharedSize } = mechanism;
  const p = truthProbability(mechanism);
  const others = (1 - p) * (supportSize - sharedSize) / (reportCount - supportSize);
  return { p, q: p * sharedSize / supportSize + others };
}
