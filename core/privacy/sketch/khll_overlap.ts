/**
 * Joinability of two fields from their sketches (Chia et al., IEEE S&P 2019, section V): the direct estimators, among
 * the hashes below the smaller of the two maxima. Below it both sketches are complete, so that every hash there is known
 * to be in one, the other or both; an estimate by way of the Jaccard index (inclusion and exclusion of three
 * cardinalities) has several times the error where one set is much smaller.
 *
 * @module
 */
import type { Hash64 } from "./hash64.ts";
import { fraction, type KHyperLogLog } from "./khll.ts";

/** What two sketches share below the hash up to which both are complete. */
export interface Overlap {
  /** Hashes there that both have. */
  readonly both: number;
  /** Hashes there that only the first has. */
  readonly onlyFirst: number;
  /** Hashes there that only the second has. */
  readonly onlySecond: number;
  /** The share of the hash space that was looked at: 1 if both sketches hold all of their values. */
  readonly coverage: number;
}

/** Compares the values of two sketches of one comparison domain. Their K may differ. */
export function overlap(first: KHyperLogLog, second: KHyperLogLog): Overlap {
  const end = smallerMaximum(first, second);
  let i = 0, j = 0, both = 0, onlyFirst = 0, onlySecond = 0;
  while (true) {
    const a = next(first, i, end), b = next(second, j, end);
    if (!a && !b) break;
    const order = !a ? 1 : !b ? -1 : compare(a, b);
    if (order === 0) both++;
    else if (order < 0) onlyFirst++;
    else onlySecond++;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return { both, onlyFirst, onlySecond, coverage: end ? fraction(end) : 1 };
}

/** Jaccard index: the share of the values of either that both have. 0 if neither has any. */
export function jaccard({ both, onlyFirst, onlySecond }: Overlap): number {
  return ratio(both, both + onlyFirst + onlySecond);
}

/** Containment: the share of the first's values that the second has too. 0 if the first has none. */
export function containment({ both, onlyFirst }: Overlap): number {
  return ratio(both, both + onlyFirst);
}

/** How many distinct values both have: exact where the coverage is 1. */
export function intersectionCardinality({ both, coverage }: Overlap): number {
  return both / coverage;
}

/** The hash strictly below which both sketches are complete; undefined if they hold all of their values. */
function smallerMaximum(first: KHyperLogLog, second: KHyperLogLog): Hash64 | undefined {
  const [a, b] = [first, second].map((sketch) => sketch.isFull ? sketch.hashAt(sketch.k - 1) : undefined);
  return !a ? b : !b ? a : compare(a, b) < 0 ? a : b;
}

function next(sketch: KHyperLogLog, index: number, end: Hash64 | undefined): Hash64 | undefined {
  if (index >= sketch.size) return undefined;
  const hash = sketch.hashAt(index);
  return end && compare(hash, end) >= 0 ? undefined : hash;
}

function compare(a: Hash64, b: Hash64): number {
  return a.high - b.high || a.low - b.low;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
