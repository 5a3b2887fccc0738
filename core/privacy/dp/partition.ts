/**
 * Which cells of a release may be named at all: optimal partition selection (Desfontaines, Voss, Gipson and Mandayam,
 * "Differentially private partition selection", PoPETs 2022). That a cell nobody declared exists can betray the one
 * person in it; this keeps as many cells as any (epsilon, delta)-private rule can.
 *
 * @module
 */
import { type Rational, rational } from "./rational.ts";
import type { UniformSource } from "../../base/uniform.ts";

/** What the selection may cost a person, and what one person can do. */
export interface PartitionParameters {
  /** Privacy loss for one person over all of their cells, positive. */
  readonly epsilon: Rational;
  /** Chance of a loss beyond epsilon, over all of their cells, between 0 and 1. */
  readonly delta: Rational;
  /** How many cells one person can be in after contribution bounding; the loss is divided among them. 1 by default. */
  readonly cellsPerPerson?: number;
  /** k: cells with fewer people are never kept. 1 by default. */
  readonly minimumPeople?: number;
}

/** The rule for one release. */
export class PartitionSelection {
  /** By people above the threshold, from 0: the chance of being kept, in units of 2^-128; the last one is certain. */
  readonly #chances: readonly bigint[];
  /** No cell of fewer people is kept. */
  readonly minimumPeople: number;

  /**
   * Throws a `RangeError` for parameters out of range, or for an epsilon so small that a cell would need more than
   * 100,000 people.
   */
  constructor({ epsilon, delta, cellsPerPerson = 1, minimumPeople = 1 }: PartitionParameters) {
    if (!Number.isSafeInteger(cellsPerPerson) || cellsPerPerson < 1) {
      throw new RangeError(`Cannot select partitions: ${cellsPerPerson} cells a person`);
    }
    if (!Number.isSafeInteger(minimumPeople) || minimumPeople < 1) {
      throw new RangeError(`Cannot select partitions: at least ${minimumPeople} people`);
    }
    if (epsilon.numerator <= 0n) throw new RangeError("Cannot select partitions: epsilon is not positive");
    if (delta.numerator <= 0n || delta.numerator >= delta.denominator) {
      throw new RangeError("Cannot select partitions: delta is not between 0 and 1");
    }
    const cells = BigInt(cellsPerPerson);
    this.minimumPeople = minimumPeople;
    this.#chances = chances(
      rational(epsilon.numerator, epsilon.denominator * cells),
      rational(delta.numerator, delta.denominator * cells),
    );
  }

  /** From how many people on a cell is kept for certain. */
  get certainFrom(): number {
    return this.minimumPeople + this.#chances.length - 2;
  }

  /** The probability that a cell with this many people is kept. */
  keepProbability(people: number): number {
    return Number(this.#chance(people)) / 2 ** PRECISION;
  }

  /** Decides about a cell with this many people: ask once a cell. */
  keeps(people: number, random: UniformSource): boolean {
    const chance = this.#chance(people);
    return chance === ONE || random.belowBig(ONE) < chance;
  }

  #chance(people: number): bigint {
    if (!Number.isSafeInteger(people) || people < 0) {
      throw new RangeError(`Cannot select partitions: ${people} people`);
    }
    // Raising the least count by a constant is choosing on (people - constant), which changes by one person at most.
    const counted = Math.max(0, people - this.minimumPeople + 1);
    return this.#chances[counted] ?? ONE;
  }
}

const PRECISION = 128;
const ONE = 1n << BigInt(PRECISION);
const MAXIMUM_PEOPLE = 100_000;

/**
 * The recurrence of theorem 1, pi(0) = 0 and pi(n) = min(e^eps pi(n-1) + delta, 1 - e^-eps (1 - pi(n-1) - delta), 1),
 * in fixed point. Everything is rounded towards a smaller pi(n), and pi(n) is computed from the rounded pi(n-1), so the
 * conditions of (epsilon, delta)-privacy hold exactly for the probabilities that are used.
 */
function chances(epsilon: Rational, delta: Rational): bigint[] {
  const growth = exponentialBelow(epsilon);
  const step = ONE * delta.numerator / delta.denominator;
  const found = [0n];
  for (let chance = 0n; chance < ONE;) {
    if (found.length > MAXIMUM_PEOPLE) {
      throw new RangeError(
        `Cannot select partitions: epsilon and delta ask for more than ${MAXIMUM_PEOPLE} people`,
      );
    }
    const grown = growth * chance / ONE + step;
    const dropped = ONE - chance - step;
    const shrunk = dropped <= 0n ? ONE : ONE - (dropped * ONE + growth - 1n) / growth;
    chance = [grown, shrunk, ONE].reduce((least, value) => value < least ? value : least);
    found.push(chance);
  }
  return found;
}

/** e^epsilon in fixed point, rounded down: the Taylor series, all of whose terms are positive. */
function exponentialBelow({ numerator, denominator }: Rational): bigint {
  let sum = 0n;
  for (let term = ONE, n = 1n; term > 0n; n++) {
    sum += term;
    term = term * numerator / (denominator * n);
  }
  return sum;
}
