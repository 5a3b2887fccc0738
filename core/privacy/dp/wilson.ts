/**
 * Wilson's score interval for a proportion.
 *
 * @module
 */
import { type Interval, normalReach } from "./interval.ts";

/**
 * The two-sided score interval of Wilson (JASA 22, 1927) for the share behind `matching` of `sampled`, within [0, 1].
 * Unlike the normal interval it holds for shares near 0 and 1 and for few samples; with no sample it is [0, 1].
 * Throws a `RangeError` unless 0 <= matching <= sampled are integers.
 */
export function wilsonInterval(matching: number, sampled: number, confidence = 0.95): Interval {
  if (!Number.isInteger(matching) || !Number.isInteger(sampled) || matching < 0 || matching > sampled) {
    throw new RangeError(`Cannot bound a proportion: ${matching} of ${sampled}`);
  }
  if (sampled === 0) return { lower: 0, upper: 1 };
  const z2 = normalReach(confidence) ** 2;
  const center = (matching + z2 / 2) / (sampled + z2);
  const spread = Math.sqrt(z2 * (matching * (sampled - matching) / sampled + z2 / 4)) / (sampled + z2);
  // The ends are exact there; the formula would miss them by a rounding error.
  return {
    lower: matching === 0 ? 0 : center - spread,
    upper: matching === sampled ? 1 : center + spread,
  };
}
