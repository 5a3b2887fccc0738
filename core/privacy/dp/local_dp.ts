/**
 * Local differential privacy: a client randomises a value before it leaves, so that no single report says much about
 * it, and the server estimates frequencies from many (`local_dp_estimate.ts`).
 *
 * Both mechanisms are those of Wang et al., "Locally Differentially Private Protocols for Frequency Estimation"
 * (USENIX Security 2017), chosen by variance. For n reports and a rare value, n times the variance of its frequency is
 * - generalised randomised response: (e^eps + d - 2) / (e^eps - 1)^2, growing with the domain's size d;
 * - optimised local hashing: (e^eps - 1 + g)^2 / ((e^eps - 1)^2 (g - 1)), least at g = e^eps + 1 where it is
 *   4 e^eps / (e^eps - 1)^2, whatever the domain.
 * The first is smaller exactly for d < 3 e^eps + 2.
 *
 * Local hashing reports a random seed and the randomised hash of the value under it. A large seed would be a name for
 * the client, so it is one of at most 256. Hash functions that are drawn at random collide, for a given pair of values,
 * under too many or too few of 256 seeds, and that error does not shrink with n. These are made by multiplication in a
 * field of 256 (or 243) elements instead: up to that many values, every two collide under exactly 1 / g of the seeds,
 * which is all that the estimator's unbiasedness needs.
 *
 * A client draws one report a value and pseudonym period and sends that again: fresh ones would average out.
 *
 * @module
 */
import type { RandomSource } from "../../base/random.ts";
import { UniformSource } from "../../base/uniform.ts";

/** Greatest domain, as the protocol bounds that of a field. */
export const MAXIMUM_DOMAIN_SIZE = 65536;

/** Least epsilon: below it a million reports tell nothing, and rounding would decide what they seem to tell. */
export const MINIMUM_EPSILON = 0.001;

/** Greatest epsilon: beyond it nothing is hidden. */
const MAXIMUM_EPSILON = 20;

/** How a field is randomised. Reports are integers from 0 to `seedCount * hashRange - 1`: seed * hashRange + hash. */
export interface LocalDp {
  /** Generalised randomised response or optimised local hashing. */
  readonly mechanism: "grr" | "olh";
  /** The privacy loss of one report. */
  readonly epsilon: number;
  /** d: values are 0..domainSize - 1. */
  readonly domainSize: number;
  /** Hash functions to choose from: 1 in randomised response (the identity), 256 or 243 in local hashing. */
  readonly seedCount: number;
  /** g: values of a hash; d in randomised response. */
  readonly hashRange: number;
}

/**
 * The better mechanism for a domain, the same for client and server.
 * Throws a `RangeError` unless 0.001 <= epsilon <= 20 and the domain has 2..65536 values.
 */
export function localDp(epsilon: number, domainSize: number): LocalDp {
  if (!(epsilon >= MINIMUM_EPSILON && epsilon <= MAXIMUM_EPSILON)) {
    throw new RangeError(
      `Cannot randomise: epsilon ${epsilon} is outside ${MINIMUM_EPSILON}..${MAXIMUM_EPSILON}`,
    );
  }
  if (!Number.isInteger(domainSize) || domainSize < 2 || domainSize > MAXIMUM_DOMAIN_SIZE) {
    throw new RangeError(`Cannot randomise: ${domainSize} values are outside 2..${MAXIMUM_DOMAIN_SIZE}`);
  }
  if (domainSize < 3 * Math.exp(epsilon) + 2) {
    return { mechanism: "grr", epsilon, domainSize, seedCount: 1, hashRange: domainSize };
  }
  const variance = (g: number) => (Math.expm1(epsilon) + g) ** 2 / (g - 1);
  const hashRange = HASH_RANGES.reduce((best, g) => variance(g) < variance(best) ? g : best);
  return { mechanism: "olh", epsilon, domainSize, seedCount: fieldFor(hashRange).size, hashRange };
}

/** How many different reports there are. */
export function reportCount({ seedCount, hashRange }: LocalDp): number {
  return seedCount * hashRange;
}

/**
 * The probability that a report tells the true hash: e^eps / (e^eps + g - 1), rounded down to a multiple of 2^-53 that
 * is surely not above it. It is met exactly, so that rounding never makes the loss greater than epsilon.
 */
export function truthProbability({ epsilon, hashRange }: LocalDp): number {
  // Math.exp is off by a few units in the last place; 2^-50 covers it and the division.
  const probability = (1 - 2 ** -50) / (1 + (hashRange - 1) * Math.exp(-epsilon));
  return Math.floor(probability * 2 ** 53) / 2 ** 53;
}

/** One report about a value. Throws a `RangeError` if the value is outside 0..domainSize - 1. */
export function randomise(mechanism: LocalDp, value: number, random: RandomSource): number {
  if (!Number.isInteger(value) || value < 0 || value >= mechanism.domainSize) {
    throw new RangeError(`Cannot randomise: the value is outside 0..${mechanism.domainSize - 1}`);
  }
  const uniform = new UniformSource(random, 16);
  const seed = uniform.below(mechanism.seedCount);
  const truth = hash(mechanism, seed, value);
  const tells = uniform.below(2 ** 53) < truthProbability(mechanism) * 2 ** 53;
  // Any of the other g - 1, equally likely.
  const other = uniform.below(mechanism.hashRange - 1);
  return seed * mechanism.hashRange + (tells ? truth : other < truth ? other : other + 1);
}

/**
 * The hash of a value under a seed, 0..hashRange - 1; in randomised response the value itself.
 *
 * With the value's digits v0, v1, v2 in the base of the field's size, it is the projection of v0 s + v1 s^e + v2 s^f to
 * the first coordinates. Two values that differ in v0 alone differ by a multiple of s, which takes every element once:
 * they collide under exactly 1 / g of the seeds. Others collide under a share that is off by no more than
 * {@linkcode collisionBound}.
 */
export function hash(mechanism: LocalDp, seed: number, value: number): number {
  if (mechanism.mechanism === "grr") return value;
  const field = fieldFor(mechanism.hashRange);
  let sum = 0;
  let rest = value;
  for (const exponent of field.exponents) {
    sum = sumOf(field, sum, product(field, rest % field.size, seed, exponent));
    rest = Math.floor(rest / field.size);
    if (rest === 0) break;
  }
  return sum % mechanism.hashRange;
}

/**
 * How far the share of seeds under which two values collide can be from 1 / g, divided by 1 - 1 / g. It is 0 up to 256
 * (or 243) values; beyond, 256 seeds cannot do without, and Weil's bound on character sums of a polynomial of degree n,
 * (n - 1) / sqrt(field size), limits it.
 */
export function collisionBound({ mechanism, domainSize, hashRange }: LocalDp): number {
  if (mechanism === "grr") return 0;
  const { size, exponents } = fieldFor(hashRange);
  const digits = domainSize <= size ? 1 : domainSize <= size ** 2 ? 2 : 3;
  return (at(exponents, digits - 1) - 1) / Math.sqrt(size);
}

/** A finite field. Its elements are integers whose digits in base p are the coefficients of a polynomial over GF(p). */
interface Field {
  /** p. */
  readonly characteristic: number;
  /** p^m: how many elements there are. */
  readonly size: number;
  /** Which power of the seed carries which digit of a value: prime to p, so that Weil's bound holds. */
  readonly exponents: readonly number[];
  /** The powers of x, which are all elements but 0. */
  readonly powers: readonly number[];
  /** By element, which power of x it is. */
  readonly logarithms: readonly number[];
}

/** `reduction` is x^m modulo a primitive polynomial. */
function field(characteristic: number, size: number, reduction: number, exponents: readonly number[]): Field {
  const powers: number[] = [];
  const logarithms: number[] = [];
  const top = size / characteristic;
  for (let element = 1, power = 0; power < size - 1; power++) {
    powers.push(element);
    logarithms[element] = power;
    let next = element % top * characteristic;
    for (let times = Math.floor(element / top); times > 0; times--) {
      next = sumOf({ characteristic, size }, next, reduction);
    }
    element = next;
  }
  return { characteristic, size, exponents, powers, logarithms };
}

/** GF(2^8) by x^8 + x^4 + x^3 + x^2 + 1: two digits hold any domain. */
const BINARY = /* @__PURE__ */ field(2, 256, 0x1d, [1, 3]);
/** GF(3^5) by x^5 + 2 x + 1, so x^5 = x + 2: its g = 3 is what epsilons around 0.5 need. */
const TERNARY = /* @__PURE__ */ field(3, 243, 5, [1, 2, 4]);

/** g: powers of a characteristic. Up to epsilon 5.5 the best of them has at most 5 % more variance than e^eps + 1. */
const HASH_RANGES = [2, 3, 4, 8, 9, 16, 27, 32, 64, 81, 128, 243, 256];

function fieldFor(hashRange: number): Field {
  return hashRange % 3 === 0 ? TERNARY : BINARY;
}

function sumOf(
  { characteristic: p, size }: Pick<Field, "characteristic" | "size">,
  a: number,
  b: number,
): number {
  if (p === 2) return a ^ b;
  let sum = 0;
  for (let unit = 1; unit < size; unit *= p) {
    sum += (Math.floor(a / unit) + Math.floor(b / unit)) % p * unit;
  }
  return sum;
}

/** a s^exponent. */
function product({ size, powers, logarithms }: Field, a: number, s: number, exponent: number): number {
  if (a === 0 || s === 0) return 0;
  return at(powers, (at(logarithms, a) + exponent * at(logarithms, s)) % (size - 1));
}

/** An element at an index that is below the length. */
function at(elements: readonly number[], index: number): number {
  return elements[index]!;
}
