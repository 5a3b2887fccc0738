/**
 * For every point of a projective space at once, the sum of a function over the points orthogonal to it.
 *
 * Write f for the function on vectors that has a point's value at each of its multiples and 0 at 0, and F for its Fourier
 * transform over the digits. The sum is then (N + F(v)) / q, with N the sum over all points. F is taken digit by digit
 * from the lowest. Half-way it has a vector of digits that are transformed and one of those that are not, (v; y), and its
 * value at (v; c y) is that at (c v; y): so one multiple of y has to be kept, the point's own place does, and an array of
 * as many numbers as there are points holds everything.
 *
 * @module
 */
import { digitsOf, pointCount } from "./projective.ts";

/** A projective space over a prime field. */
export interface ProjectiveSpace {
  /** q, a prime. */
  readonly order: number;
  /** Digits of a point. */
  readonly dimension: number;
}

/** Numbers that are complex in between. */
interface Complex {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/** For each point, in order, the sum of `values` over the points orthogonal to it. */
export function orthogonalSums(
  { order: q, dimension }: ProjectiveSpace,
  values: ArrayLike<number>,
): Float64Array {
  const numbers = { real: Float64Array.from(values), imaginary: new Float64Array(values.length) };
  const total = numbers.real.reduce((sum, value) => sum + value, 0);
  const roots = rootsOf(q);
  // The value at (0; 0), which no point has.
  let atZero = 0;
  for (let position = 0; position < dimension; position++) {
    for (let top = position + 1; top < dimension; top++) transformDigit(numbers, { q, position, top, roots });
    atZero = joinLast(numbers, { q, position, atZero, roots });
  }
  return numbers.real.map((transformed) => (total + transformed) / q);
}

/** The powers of a primitive q-th root of unity. */
function rootsOf(q: number): Complex {
  const angles = Float64Array.from({ length: q }, (_, power) => 2 * Math.PI * power / q);
  return { real: angles.map(Math.cos), imaginary: angles.map(Math.sin) };
}

/** Transforms the digit at `position` of the points whose highest digit is at `top`, above it. */
function transformDigit(
  { real, imaginary }: Complex,
  { q, position, top, roots }: { q: number; position: number; top: number; roots: Complex },
): void {
  const [start, step] = [pointCount(q, top), q ** position];
  const line = { real: new Float64Array(q), imaginary: new Float64Array(q) };
  for (let first = start; first < start + q ** top; first += step * q) {
    for (let at = first; at < first + step; at++) {
      for (let digit = 0; digit < q; digit++) {
        line.real[digit] = real[at + digit * step] ?? 0;
        line.imaginary[digit] = imaginary[at + digit * step] ?? 0;
      }
      for (let digit = 0; digit < q; digit++) {
        const sum = sumOf(line, digit, roots);
        real[at + digit * step] = sum.real;
        imaginary[at + digit * step] = sum.imaginary;
      }
    }
  }
}

/** The sum of a line times the powers of a root's power. */
function sumOf(line: Complex, digit: number, roots: Complex): { real: number; imaginary: number } {
  const q = roots.real.length;
  let real = 0;
  let imaginary = 0;
  for (let index = 0, power = 0; index < q; index++) {
    const [a, b] = [line.real[index] ?? 0, line.imaginary[index] ?? 0];
    const [c, d] = [roots.real[power] ?? 0, roots.imaginary[power] ?? 0];
    real += a * c - b * d;
    imaginary += a * d + b * c;
    power += digit;
    if (power >= q) power -= q;
  }
  return { real, imaginary };
}

/**
 * Transforms the digit at `position` where none is above it. With all digits transformed multiples have one value, so
 * what stood at (v; 1) for every v, and at (v; 0) for every point v, becomes the values of the points of one digit more.
 * Gives the value at 0.
 */
function joinLast(
  { real, imaginary }: Complex,
  { q, position, atZero, roots }: { q: number; position: number; atZero: number; roots: Complex },
): number {
  const start = pointCount(q, position);
  const [here, there] = [
    real.slice(start, start + q ** position),
    imaginary.slice(start, start + q ** position),
  ];
  const line = { real: new Float64Array(q), imaginary: new Float64Array(q) };
  let point = 0;
  for (let top = 0; top < position; top++) {
    for (let rest = 0; rest < q ** top; rest++, point++) {
      const places = multiplesOf(q, position, q ** top + rest);
      const before = real[point] ?? 0;
      for (let scale = 1; scale < q; scale++) {
        // At (s v; 1): the terms for u are what stood at (u s v; 1).
        line.real[0] = before;
        for (let u = 1; u < q; u++) {
          const place = places[u * scale % q] ?? 0;
          line.real[u] = here[place] ?? 0;
          line.imaginary[u] = there[place] ?? 0;
        }
        real[start + (places[scale] ?? 0)] = sumOf(line, 1, roots).real;
      }
      // At (v; 0).
      real[point] = line.real.reduce((sum, term) => sum + term, 0);
    }
  }
  const atOne = here[0] ?? 0;
  real[start] = atZero - atOne;
  imaginary.fill(0, 0, start + q ** position);
  return atZero + (q - 1) * atOne;
}

/** The multiples of a vector as integers, by the factor. */
function multiplesOf(q: number, length: number, vector: number): number[] {
  const digits = digitsOf(q, length, vector);
  return Array.from(
    { length: q },
    (_, factor) => digits.reduceRight((number, digit) => number * q + digit * factor % q, 0),
  );
}
