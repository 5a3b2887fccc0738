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
  /** How many of the rare values each pseudonym has, greatest first. */
  readonly counts: readonly number[];
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
  let rare = 0;
  for (let index = 0; index < sketch.size; index++) {
    const seen = sketch.pseudonymsAt(index);
    if (!seen.hasAtMost(rarePseudonyms)) continue;
    rare++;
    for (const { high, low } of seen.exactIds()) {
      // 53 bits of a keyed hash: of the few thousand pseudonyms here no two meet.
      const id = high * 2 ** 21 + (low >>> 11);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return {
    sampled: sketch.size,
    rare,
    fraction: sketch.size === 0 ? 1 : Math.min(1, sketch.size / sketch.cardinality()),
    counts: [...counts.values()].sort((a, b) => b - a),
    k: sketch.isFull ? sketch.k : undefined,
  };
}

/**
 * Estimates the people who have a rare value, and what is left of the rare values, when whichever `without` pseudonyms are
 * left out: never more than without any set of so many.
 */
export function exposureOf({ sampled, rare, fraction, counts, k }: RareOwners, without: number): Exposure {
  const theirs = counts.slice(0, without).reduce((sum, count) => sum + count, 0);
  const left = Math.max(0, rare - theirs);
  // Of the people, those count most who were seen once: each stands for others who were not seen.
  const singles = counts.filter((count) => count === 1).length;
  const once = Math.max(0, singles - without);
  const twice = counts.filter((count) => count === 2).length;
  const seen = Math.max(0, counts.length - without);
  const { missed, variance } = missedPeople({ once, twice, seen, fraction, k });
  const people = seen + missed;
  return {
    sampled: sampled - (rare - left),
    rare: left,
    people,
    least: Math.max(seen, people - normalReach(CONFIDENCE) * Math.sqrt(variance)),
  };
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
