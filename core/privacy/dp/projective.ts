/**
 * Points of a projective space over a prime field: the non-zero vectors of q-ary digits, where multiples are one point.
 * Local differential privacy takes its reports from there (`local_dp.ts`), since the points orthogonal to a point are
 * equally many for each, and so are those orthogonal to any two.
 *
 * A point is written as its multiple whose highest non-zero digit is 1. Points are numbered by their vectors: with that
 * digit at position m and the integer r made of the digits below it, (q^m - 1) / (q - 1) + r. The number does not depend
 * on the dimension.
 *
 * @module
 */

/** (q^m - 1) / (q - 1): the points of m digits, and the first number of those whose highest digit is at position m. */
export function pointCount(q: number, m: number): number {
  return (q ** m - 1) / (q - 1);
}

/** The vector of a point, `dimension` digits, the lowest first. */
export function vectorOf(q: number, dimension: number, point: number): number[] {
  let top = 0;
  while (point >= pointCount(q, top + 1)) top++;
  return digitsOf(q, dimension, point - pointCount(q, top) + q ** top);
}

/** The digits of an integer, the lowest first. */
export function digitsOf(q: number, length: number, value: number): number[] {
  return Array.from({ length }, (_, position) => Math.floor(value / q ** position) % q);
}

/** The point that a vector, not all of zeros, is a multiple of. */
export function pointOf(q: number, vector: readonly number[]): number {
  let top = vector.length - 1;
  while (vector[top] === 0) top--;
  let inverse = 1;
  while (inverse * (vector[top] ?? 0) % q !== 1) inverse++;
  const rest = vector.slice(0, top).reduceRight((number, digit) => number * q + digit * inverse % q, 0);
  return pointCount(q, top) + rest;
}

/** The inner product of two vectors modulo q. */
export function innerProduct(q: number, a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, digit, position) => (sum + digit * (b[position] ?? 0)) % q, 0);
}
