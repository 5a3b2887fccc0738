/**
 * How many people have a rare value. A sketch samples values, not people: somebody with many rare values is in the sample
 * many times and still one person, and somebody with one may not be in it. So people are counted by how often the sample
 * has them, and those that it has missed are estimated from those that it has once and twice: the lower bound of Chao and
 * Lin for sampling without replacement (Biometrics 68, 2012, equation 7). It is exact where nobody has more than two rare
 * values or all have the same number of them, and below the truth otherwise.
 *
 * @module
 */
import { normalReach } from "../dp/interval.ts";
import type { KHyperLogLog } from "../sketch/khll.ts";

/** Confidence of the lower end of an estimate. */
const CONFIDENCE = 0.99;

/** The pseudonyms that the rare values of a sketch were seen with. */
export interface RareOwners {
  /** Values that were looked at. */
  readonly sampled: number;
  /** Those of them that are rare. */
  readonly rare: number;
  /** The share of all values that was looked at, 0..1. */
  readonly fraction: number;
  /** Whose each of the rare values is. */
  readonly owners: readonly (readonly number[])[];
  /** How many of the rare values each pseudonym has. */
  readonly counts: ReadonlyMap<number, number>;
  /** K of a sketch that is full, whose fraction is an estimate. */
  readonly k: number | undefined;
}

/** What rare values mean for people. */
export interface Exposure {
  /** Values that were looked at. */
  readonly sampled: number;
  /** Those of them that are rare. */
  readonly rare: number;
  /** People who have a rare value, estimated. */
  readonly people: number;
  /** People who surely have one (99 %). */
  readonly least: number;
}

/** Reads from a sketch whose values are rare: seen with at most `rarePseudonyms`, 1..64, pseudonyms. */
export function ownersOfRare(sketch: KHyperLogLog, rarePseudonyms: number): RareOwners {
  const counts = new Map<number, number>();
  const owners: number[][] = [];
  for (let index = 0; index < sketch.size; index++) {
    const seen = sketch.pseudonymsAt(index);
    if (!seen.hasAtMost(rarePseudonyms)) continue;
    // 53 bits of a keyed hash: of the few thousand pseudonyms here no two meet.
    const ids = seen.exactIds().map(({ high, low }) => high * 2 ** 21 + (low >>> 11));
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    owners.push(ids);
  }
  return {
    sampled: sketch.size,
    rare: owners.length,
    fraction: sketch.size === 0 ? 1 : Math.min(1, sketch.size / sketch.cardinality()),
    owners,
    counts,
    k: sketch.isFull ? sketch.k : undefined,
  };
}

/**
 * Estimates the people who have a rare value, and what is left of the rare values, when whichever `without` pseudonyms are
 * left out: never more than without any set of so many.
 */
export function exposureOf(rareOwners: RareOwners, without: number): Exposure {
  const { sampled, rare, fraction, counts, k } = rareOwners;
  const left = Math.max(0, rare - mostOwnedBy(without, rareOwners));
  // Of the people, those count most who were seen once: each stands for others who were not seen.
  const numbers = [...counts.values()];
  const once = Math.max(0, numbers.filter((count) => count === 1).length - without);
  const twice = numbers.filter((count) => count === 2).length;
  const seen = Math.max(0, numbers.length - without);
  const { missed, variance } = missedPeople({ once, twice, seen, fraction, k });
  const people = seen + missed;
  return {
    sampled: sampled - (rare - left),
    rare: left,
    people,
    least: Math.max(seen, people - normalReach(CONFIDENCE) * Math.sqrt(variance)),
  };
}

/**
 * A bound that no `size` pseudonyms exceed: how many rare values are theirs alone, those that several of them share once.
 * Only these would be gone without them; a value that they have in common with others stays rare.
 *
 * Which `size` own the most is hard to say (it is a densest subgraph), a bound is enough. Each value is shared out among
 * its owners in equal parts, so that it counts whole for those who own all of it. A value of several owners counts for
 * one only if the others are among the `size` too: so of the values grouped by one of the others, at most `size - 1` groups
 * count. That other is the one with the fewest values, so that nobody gets far by saying what each of many others says.
 */
function mostOwnedBy(size: number, { owners, counts }: RareOwners): number {
  if (size === 0) return 0;
  const alone = new Map<number, number>();
  const shared = new Map<number, Map<number, number>>();
  for (const ids of owners) {
    for (const id of ids) {
      const other = fewestValues(ids.filter((each) => each !== id), counts);
      if (other === undefined) {
        alone.set(id, (alone.get(id) ?? 0) + 1);
        continue;
      }
      const groups = shared.get(id) ?? new Map<number, number>();
      shared.set(id, groups.set(other, (groups.get(other) ?? 0) + 1 / ids.length));
    }
  }
  const each = [...counts.keys()].map((id) =>
    (alone.get(id) ?? 0) + sumOfGreatest(size - 1, shared.get(id)?.values() ?? [])
  );
  // Thirds of a value add up but for the last digits.
  return Math.ceil(sumOfGreatest(size, each) - 1e-6);
}

function fewestValues(ids: readonly number[], counts: ReadonlyMap<number, number>): number | undefined {
  const countOf = (id: number) => counts.get(id) ?? 0;
  return ids.length === 0 ? undefined : ids.reduce((a, b) => countOf(b) < countOf(a) ? b : a);
}

function sumOfGreatest(size: number, numbers: Iterable<number>): number {
  return [...numbers].sort((a, b) => b - a).slice(0, Math.max(0, size)).reduce((sum, one) => sum + one, 0);
}

/** Chao and Lin's estimate of how many classes a sample of this fraction has missed. */
export function missedClasses({ once, twice, fraction }: {
  readonly once: number;
  readonly twice: number;
  readonly fraction: number;
}): number {
  if (once === 0 || fraction === 1) return 0;
  return once ** 2 / (2 * twice + once * fraction / (1 - fraction));
}

/** Chao and Lin's estimate of who was not seen, and its variance by their delta method (the total is multinomial). */
function missedPeople({ once, twice, seen, fraction, k }: {
  readonly once: number;
  readonly twice: number;
  readonly seen: number;
  readonly fraction: number;
  readonly k: number | undefined;
}): { missed: number; variance: number } {
  if (once === 0 || fraction === 1) return { missed: 0, variance: 0 };
  const ratio = fraction / (1 - fraction);
  const denominator = 2 * twice + ratio * once;
  const missed = missedClasses({ once, twice, fraction });
  const byOnce = 1 + (2 * once * denominator - ratio * once ** 2) / denominator ** 2;
  const byTwice = 1 - 2 * once ** 2 / denominator ** 2;
  const oftener = Math.max(0, seen - once - twice);
  const sampling = byOnce ** 2 * once + byTwice ** 2 * twice + oftener - (seen + missed);
  // The fraction is known to 1 / sqrt(K).
  const counting = k === undefined ? 0 : missed ** 2 / k;
  return { missed, variance: Math.max(0, sampling) + counting };
}
