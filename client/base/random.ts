/**
 * Randomness of the client: the bytes come in, and are cryptographically secure.
 *
 * @module
 */
import type { RandomSource } from "../../core/base/random.ts";

/** The platform's secure source. */
export function platformRandom(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A uniform number in [0, 1) with 32 bits. */
export function randomFraction(random: RandomSource): number {
  return new DataView(random(4).buffer).getUint32(0) / 2 ** 32;
}

/** 0..`count`-1 in a random order (Fisher and Yates). The bias of 32 bits over at most 64 places is below 2^-26. */
export function shuffledRange(count: number, random: RandomSource): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(randomFraction(random) * (index + 1));
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}
