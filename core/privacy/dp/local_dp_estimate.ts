/**
 * What many locally randomised reports say about how many clients have each value: the unbiased estimators that belong
 * to `local_dp.ts` (Wang et al., USENIX Security 2017, equation 1), with intervals.
 *
 * @module
 */
import { type Interval, normalReach } from "./interval.ts";
import { collisionBound, hash, type LocalDp, reportCount, truthProbability } from "./local_dp.ts";

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
 * Estimates the number of clients for each of the domain's values, in order. `histogram[r]` is how often report r came,
 * one report a client. Throws a `RangeError` if its length is not `reportCount(mechanism)`.
 *
 * A report supports the values whose hash it tells. It supports its client's value with probability p and any other
 * with probability q, so (supports - n q) / (p - q) is unbiased: exactly in randomised response and for domains of up to
 * 256 (243) values in local hashing. Beyond that, values collide too often or too rarely in a way that is fixed and does
 * not shrink with n; its root mean square over pairs of values is part of the standard deviation.
 *
 * Noise that was added to every count of the histogram, of `noiseVariance` each, is part of it too.
 */
export function estimateFrequencies(
  mechanism: LocalDp,
  histogram: ArrayLike<number>,
  confidence = 0.95,
  noiseVariance = 0,
): FrequencyEstimate[] {
  if (histogram.length !== reportCount(mechanism)) {
    throw new RangeError(
      `Cannot estimate: ${histogram.length} counts instead of ${reportCount(mechanism)}`,
    );
  }
  const { domainSize, hashRange, seedCount } = mechanism;
  const n = Array.from(histogram).reduce((sum, count) => sum + count, 0);
  const p = truthProbability(mechanism);
  const q = mechanism.mechanism === "grr" ? (1 - p) / (hashRange - 1) : 1 / hashRange;
  // A count is the sum of the reports that support it less q times the sum of all, so noise enters by two weights.
  const supporting = seedCount * (1 - q) ** 2 + (histogram.length - seedCount) * q ** 2;
  const noise = noiseVariance * supporting / (p - q) ** 2;

  const estimates: { count: number; variance: number }[] = [];
  for (let value = 0; value < domainSize; value++) {
    const count = (supportOf(mechanism, histogram, value) - n * q) / (p - q);
    const all = Math.max(n, 0);
    const having = Math.min(Math.max(count, 0), all);
    const variance = (having * p * (1 - p) + (all - having) * q * (1 - q)) / (p - q) ** 2;
    estimates.push({ count, variance: variance + noise });
  }
  const collisions = collisionVariance(mechanism, estimates);
  const reach = normalReach(confidence);
  return estimates.map(({ count, variance }) => {
    const standardDeviation = Math.sqrt(variance + collisions);
    const interval = { lower: count - reach * standardDeviation, upper: count + reach * standardDeviation };
    return { count, standardDeviation, interval };
  });
}

/** How many reports tell the value's hash. */
function supportOf(mechanism: LocalDp, histogram: ArrayLike<number>, value: number): number {
  let support = 0;
  for (let seed = 0; seed < mechanism.seedCount; seed++) {
    support += histogram[seed * mechanism.hashRange + hash(mechanism, seed, value)] ?? 0;
  }
  return support;
}

/**
 * The mean square error by collisions: the sum of the other values' squared counts, over seeds times (g - 1). That sum
 * is itself estimated from counts that have noise and, each, this very error.
 */
function collisionVariance(mechanism: LocalDp, estimates: { count: number; variance: number }[]): number {
  if (collisionBound(mechanism) === 0) return 0;
  const freedom = mechanism.seedCount * (mechanism.hashRange - 1);
  const squares = estimates.reduce((sum, { count, variance }) => sum + count * count - variance, 0);
  return Math.max(0, squares) / (freedom + estimates.length);
}
