/**
 * Exact fractions, for noise and for privacy budgets: a sampler on floating point leaks through its rounding (Mironov,
 * CCS 2012), and a budget on floating point refuses 0.1 + 0.2 of 0.3.
 *
 * @module
 */

/** A fraction in lowest terms. */
export interface Rational {
  /** Carries the sign. */
  readonly numerator: bigint;
  /** Positive. */
  readonly denominator: bigint;
}

/** 0. */
export const ZERO: Rational = { numerator: 0n, denominator: 1n };

/** `numerator / denominator` in lowest terms. Throws a `RangeError` if the denominator is 0. */
export function rational(numerator: bigint, denominator = 1n): Rational {
  if (denominator === 0n) throw new RangeError("Cannot make a fraction: the denominator is 0");
  const divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/**
 * The fraction that a number's shortest decimal notation says: 0.1 is 1/10, as it was meant in a
 * configuration, and not the binary fraction nearest to it. Throws a `RangeError` if the number is not finite.
 */
export function rationalOf(value: number): Rational {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (!match) throw new RangeError(`Cannot make a fraction of ${value}`);
  const [, sign, whole, decimals = "", exponent = "0"] = match;
  const digits = BigInt(`${sign}${whole}${decimals}`);
  const power = Number(exponent) - decimals.length;
  return power < 0 ? rational(digits, 10n ** BigInt(-power)) : rational(digits * 10n ** BigInt(power));
}

/** a + b. */
export function add(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

/** a - b. */
export function subtract(a: Rational, b: Rational): Rational {
  return add(a, { numerator: -b.numerator, denominator: b.denominator });
}

/** a b. */
export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** a / b. Throws a `RangeError` if b is 0. */
export function divide(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator, a.denominator * b.numerator);
}

/** Negative, 0 or positive, as a is less than, equal to or greater than b. */
export function compare(a: Rational, b: Rational): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The nearest floating-point number, to within two roundings: for display and intervals, never for a decision. */
export function toNumber({ numerator, denominator }: Rational): number {
  // Both are cut to the same scale, since a BigInt beyond 2^1024 would become Infinity.
  const excess = Math.max(numerator.toString(16).length, denominator.toString(16).length) * 4 - 1000;
  if (excess <= 0) return Number(numerator) / Number(denominator);
  const shift = BigInt(excess);
  return Number(numerator >> shift) / Number(denominator >> shift);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
