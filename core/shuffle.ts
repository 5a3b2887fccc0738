import type { RandomSource } from "./voprf/suite.ts";

/** A uniformly shuffled copy (Fisher and Yates), from a cryptographic source. */
export function shuffle<T>(items: readonly T[], random: RandomSource): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = uniformBelow(last + 1, random);
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}

/** A uniform whole number in 0..bound-1, for bounds up to 2^32, without modulo bias. */
export function uniformBelow(bound: number, random: RandomSource): number {
  const limit = Math.floor(2 ** 32 / bound) * bound;
  while (true) {
    const bytes = random(4);
    const value = (bytes[0]! << 24 | bytes[1]! << 16 | bytes[2]! << 8 | bytes[3]!) >>> 0;
    if (value < limit) return value % bound;
  }
}
