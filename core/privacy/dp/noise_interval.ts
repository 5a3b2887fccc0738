/**
 * How far released figures can be off: half-widths of confidence intervals for the noise of `noise.ts`.
 *
 * @module
 */
import { checkConfidence, normalReach } from "./interval.ts";
import { type Rational, toNumber } from "./rational.ts";

/**
 * The least h with P(|x| <= h) >= confidence for discrete Laplace noise x of this scale:
 * P(|x| > h) = 2 r^(h+1) / (1 + r) with r = exp(-1 / scale).
 * Throws a `RangeError` unless the confidence is between 0 and 1 and the scale positive.
 */
export function laplaceHalfWidth(scale: Rational, confidence: number): number {
  checkConfidence(confidence);
  const b = positive(scale);
  const exceeds = (h: number) => 2 * Math.exp(-(h + 1) / b) / (1 + Math.exp(-1 / b)) > 1 - confidence;
  // The closed form, then a step where rounding put it on the wrong side.
  const solved = b * Math.log(2 / ((1 - confidence) * (1 + Math.exp(-1 / b)))) - 1;
  let h = Math.max(0, Math.floor(solved));
  while (exceeds(h)) h++;
  return h;
}

/**
 * The least h with P(|x| <= h) >= confidence for discrete Gaussian noise x of this variance parameter, by summing its
 * probabilities; above a standard deviation of 10,000, the continuous distribution's rounded up, which differs by 1.
 * Throws a `RangeError` unless the confidence is between 0 and 1 and the variance positive.
 */
export function gaussianHalfWidth(variance: Rational, confidence: number): number {
  const sigma2 = positive(variance);
  const sigma = Math.sqrt(sigma2);
  const reach = normalReach(confidence);
  if (sigma > 10_000) return Math.ceil(reach * sigma);
  const weight = (x: number) => Math.exp(-x * x / (2 * sigma2));
  // Beyond 40 standard deviations every weight is 0 in floating point.
  let total = 1;
  for (let x = Math.ceil(40 * sigma); x >= 1; x--) total += 2 * weight(x);
  let inside = 1;
  let h = 0;
  while (inside < confidence * total) {
    h++;
    inside += 2 * weight(h);
  }
  return h;
}

function positive(value: Rational): number {
  if (value.numerator <= 0n) throw new RangeError("Cannot bound noise: its size is not positive");
  return toNumber(value);
}
