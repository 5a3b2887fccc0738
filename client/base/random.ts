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

/** 0..`count`-1 in a random order: each goes to a random place among those before it, up to 64 almost without bias. */
export function shuffledRange(count: number, random: RandomSource): number[] {
  const order: number[] = [];
  for (let next = 0; next < count; next++) {
    order.splice(Math.floor(randomFraction(random) * (next + 1)), 0, next);
  }
  return order;
}
