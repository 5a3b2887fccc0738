/**
 * Local differential privacy: a client randomises a value before it leaves, so that no single report says much about
 * it, and the server estimates frequencies from many (`local_dp_estimate.ts`).
 *
 * Each value has a set of reports that support it: K reports there are, k support a value, and l of those support any
 * given other value too. A client sends, with probability p, one of those that support its value, else one of the
 * others. As k and l are the same for all values, estimates are exactly unbiased, whatever the values are. Two
 * mechanisms, of which the one with the smaller variance is taken. For n reports and a rare value, n times the variance
 * of its frequency is
 * - generalised randomised response (Wang et al., "Locally Differentially Private Protocols for Frequency Estimation",
 *   USENIX Security 2017): K = d, k = 1, l = 0; (e^eps + d - 2) / (e^eps - 1)^2;
 * - projective geometry response (Feldman, Nelson, Nguyen and Talwar, "Private Frequency Estimation via Projective
 *   Geometry", ICML 2022): values and reports are the points of a projective space over a prime field, and a value is
 *   supported by the points orthogonal to it; about (e^eps - 1 + q)^2 / ((e^eps - 1)^2 (q - 1)), least at
 *   q = e^eps + 1, where it is 4 e^eps / (e^eps - 1)^2, as of subset selection, and no mechanism has less. With q = 2 it
 *   is Hadamard response.
 *
 * No unbiased mechanism has fewer reports than values. There are at most 131,071, so that a report is no name for a
 * client; subset selection would have more than there are clients.
 *
 * A client draws one report a value and pseudonym period and sends that again: fresh ones would average out.
 *
 * @module
 */
import type { RandomSource } from "../../base/random.ts";
import { UniformSource } from "../../base/uniform.ts";
import { digitsOf, innerProduct, pointCount, pointOf, vectorOf } from "./projective.ts";

/** Greatest domain, as the protocol bounds that of a field. */
export const MAXIMUM_DOMAIN_SIZE = 65536;

/** Least epsilon: below it a million reports tell nothing, and rounding would decide what they seem to tell. */
export const MINIMUM_EPSILON = 0.001;

/** Greatest epsilon: beyond it nothing is hidden. */
const MAXIMUM_EPSILON = 20;

/** Most reports: the least that holds the greatest domain with q = 2. */
const MAXIMUM_REPORTS = 2 ** 17 - 1;

/**
 * Reports of points begin here. Below were those of local hashing, which this protocol had before: a client that still
 * sends them is refused, where its reports would otherwise be taken for others.
 */
const FIRST_POINT = 65536;

/** A little more variance is taken for fewer reports. */
const VARIANCE_SLACK = 1.05;

/** How a field is randomised. */
export interface LocalDp {
  /** Generalised randomised response or projective geometry response. */
  readonly mechanism: "grr" | "pgr";
  /** The privacy loss of one report. */
  readonly epsilon: number;
  /** d: values are 0..domainSize - 1. */
  readonly domainSize: number;
  /** Reports are integers from here on. */
  readonly firstReport: number;
  /** K: how many different reports there are. */
  readonly reportCount: number;
  /** k: how many of them support a value. */
  readonly supportSize: number;
  /** l: how many of them support any two given values. */
  readonly sharedSize: number;
  /** q: the order of the prime field; 0 in randomised response. */
  readonly order: number;
  /** Digits of a point; 0 in randomised response. */
  readonly dimension: number;
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
  // Variances times (e^eps - 1)^2. No space has less than 4 e^eps.
  const plain = Math.exp(epsilon) + domainSize - 2;
  if (plain <= 4 * Math.exp(epsilon)) return randomisedResponse(epsilon, domainSize);
  const spaces = spacesFor(domainSize);
  const variance = ({ q }: Space) => (Math.expm1(epsilon) + q) ** 2 / (q - 1);
  const least = Math.min(...spaces.map(variance));
  if (plain <= least) return randomisedResponse(epsilon, domainSize);
  const { q, dimension, points } = spaces.filter((space) => variance(space) <= VARIANCE_SLACK * least)
    .reduce((best, space) => space.points < best.points ? space : best);
  return {
    mechanism: "pgr",
    epsilon,
    domainSize,
    firstReport: FIRST_POINT,
    reportCount: points,
    supportSize: pointCount(q, dimension - 1),
    sharedSize: pointCount(q, dimension - 2),
    order: q,
    dimension,
  };
}

function randomisedResponse(epsilon: number, domainSize: number): LocalDp {
  const sizes = { reportCount: domainSize, supportSize: 1, sharedSize: 0, order: 0, dimension: 0 };
  return { mechanism: "grr", epsilon, domainSize, firstReport: 0, ...sizes };
}

/** A projective space that holds a domain. */
interface Space {
  readonly q: number;
  readonly dimension: number;
  readonly points: number;
}

/** The least space over each prime field that holds a domain and is small enough; three digits are the fewest. */
function spacesFor(domainSize: number): Space[] {
  return PRIMES.map((q) => {
    let dimension = 3;
    while (pointCount(q, dimension) < domainSize) dimension++;
    return { q, dimension, points: pointCount(q, dimension) };
  }).filter(({ points }) => points <= MAXIMUM_REPORTS);
}

/** Primes over which a space of three digits is small enough: up to 359. */
const PRIMES = /* @__PURE__ */ primesBelow(362);

function primesBelow(end: number): number[] {
  const primes: number[] = [];
  for (let q = 2; q < end; q++) if (primes.every((prime) => q % prime > 0)) primes.push(q);
  return primes;
}

/** Whether a report of this mechanism can be this value of JSON. */
export function isReport({ firstReport, reportCount }: LocalDp, value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= firstReport &&
    (value as number) < firstReport + reportCount;
}

/**
 * The probability that a report supports the true value: k e^eps / (k e^eps + K - k), rounded down to a multiple of 2^-53
 * that is surely not above it. It is met exactly, so that rounding never makes the loss greater than epsilon.
 */
export function truthProbability({ epsilon, reportCount, supportSize }: LocalDp): number {
  // Math.exp is off by a few units in the last place; 2^-50 covers it and the divisions.
  const others = (reportCount - supportSize) / supportSize;
  const probability = (1 - 2 ** -50) / (1 + others * Math.exp(-epsilon));
  return Math.floor(probability * 2 ** 53) / 2 ** 53;
}

/** One report about a value. Throws a `RangeError` if the value is outside 0..domainSize - 1. */
export function randomise(mechanism: LocalDp, value: number, random: RandomSource): number {
  const { domainSize, firstReport, reportCount, supportSize } = mechanism;
  if (!Number.isInteger(value) || value < 0 || value >= domainSize) {
    throw new RangeError(`Cannot randomise: the value is outside 0..${domainSize - 1}`);
  }
  const uniform = new UniformSource(random, 16);
  const tells = uniform.below(2 ** 53) < truthProbability(mechanism) * 2 ** 53;
  // Of those that support it, or of the others, all are equally likely.
  const drawn = uniform.below(tells ? supportSize : reportCount - supportSize);
  if (mechanism.mechanism === "grr") return tells ? value : drawn < value ? drawn : drawn + 1;
  return firstReport + relatedPoint(mechanism, value, drawn, tells);
}

/**
 * The point of a number among those orthogonal to a value's, or among the others. The value's highest digit is 1, so the
 * other digits may be anything and one place decides the product: for a point orthogonal to it they are a point of one
 * digit less, and for any other one they are any digits, since of its multiples one has product 1.
 */
function relatedPoint(
  { order: q, dimension }: LocalDp,
  value: number,
  number: number,
  orthogonal: boolean,
): number {
  const normal = vectorOf(q, dimension, value);
  const digits = orthogonal ? vectorOf(q, dimension - 1, number) : digitsOf(q, dimension - 1, number);
  const top = normal.findLastIndex((digit) => digit !== 0);
  const vector = [...digits.slice(0, top), 0, ...digits.slice(top)];
  const product = innerProduct(q, normal, vector);
  vector[top] = ((orthogonal ? 0 : 1) - product + q) % q;
  return pointOf(q, vector);
}

/** Whether a report supports a value, that is, which of the two likelihoods it has if that is the true one. */
export function supports(
  { mechanism, firstReport, order, dimension }: LocalDp,
  report: number,
  value: number,
): boolean {
  if (mechanism === "grr") return report === value;
  const [point, normal] = [report - firstReport, value].map((number) => vectorOf(order, dimension, number));
  return innerProduct(order, point ?? [], normal ?? []) === 0;
}
