/**
 * Exact samplers of discrete noise: Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy"
 * (NeurIPS 2020), section 5. Integers only: no rounding, and so no difference between the distribution that is proven
 * private and the one that is sampled.
 *
 * How long a draw takes depends on what is drawn. Releases are made in a batch at night, not in answer to a request.
 *
 * @module
 */
import { type Rational, rational } from "./rational.ts";
import type { UniformSource } from "../../base/uniform.ts";

/**
 * One draw of the discrete Laplace distribution: x with a probability in proportion to exp(-|x| / scale)
 * (algorithm 2). Throws a `RangeError` unless `scale` is positive.
 */
export function discreteLaplace(scale: Rational, random: UniformSource): bigint {
  if (scale.numerator <= 0n) throw new RangeError("Cannot draw noise: the scale is not positive");
  const { numerator: t, denominator: s } = scale;
  while (true) {
    // |x| s = u + t v, where u and v are the two digits of a geometric variable of scale t.
    const u = random.belowBig(t);
    if (!bernoulliExp(u, t, random)) continue;
    let v = 0n;
    while (bernoulliExp(1n, 1n, random)) v++;
    const magnitude = (u + t * v) / s;
    const negative = random.coin();
    // Zero has one sign only, or it would come twice as often.
    if (negative && magnitude === 0n) continue;
    return negative ? -magnitude : magnitude;
  }
}

/**
 * One draw of the discrete Gaussian distribution: x with a probability in proportion to exp(-x^2 / (2 variance))
 * (algorithm 3). `variance` is the parameter sigma^2, which the distribution's variance never exceeds.
 * Throws a `RangeError` unless it is positive.
 */
export function discreteGaussian(variance: Rational, random: UniformSource): bigint {
  if (variance.numerator <= 0n) throw new RangeError("Cannot draw noise: the variance is not positive");
  const { numerator, denominator } = variance;
  const t = squareRoot(numerator / denominator) + 1n;
  const scale = rational(t);
  // exp(-(|x| - variance / t)^2 / (2 variance)) with the fractions cleared.
  const divisor = 2n * t * t * denominator * numerator;
  while (true) {
    const x = discreteLaplace(scale, random);
    const distance = (x < 0n ? -x : x) * t * denominator - numerator;
    if (bernoulliExp(distance * distance, divisor, random)) return x;
  }
}

/** True with probability exp(-numerator / denominator), for a fraction that is not negative (algorithm 1). */
function bernoulliExp(numerator: bigint, denominator: bigint, random: UniformSource): boolean {
  let rest = numerator;
  while (rest > denominator) {
    if (!bernoulliExpBelowOne(1n, 1n, random)) return false;
    rest -= denominator;
  }
  return bernoulliExpBelowOne(rest, denominator, random);
}

/** True with probability exp(-g), g = numerator / denominator in [0, 1]: the parity of how long a chance g / k lasts. */
function bernoulliExpBelowOne(numerator: bigint, denominator: bigint, random: UniformSource): boolean {
  let k = 1n;
  while (random.belowBig(denominator * k) < numerator) k++;
  return (k & 1n) === 1n;
}

/** The greatest integer whose square is not above `value` (Newton). */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(value.toString(16).length * 2 + 1);
  while (true) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
