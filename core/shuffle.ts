import type { RandomSource } from "./voprf/suite.ts";

/** A uniformly shuffled copy (Fisher and Yates), from a cryptographic source. */
export function shuffle<T>(items: readonly T[], random: RandomSource): T[] {
  const shuffled = [...items];
  const draw = drawAhead(random, shuffled.length);
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = uniformBelow(last + 1, draw);
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}

/** Four bytes at a time, asked for together: a call of the source costs more than its bytes. */
function drawAhead(random: RandomSource, draws: number): RandomSource {
  const size = 4 * Math.min(draws, 4_096);
  let bytes = new Uint8Array(0);
  let used = 0;
  return (length) => {
    if (used + length > bytes.length) {
      bytes = random(Math.max(size, length));
      used = 0;
    }
    return bytes.subarray(used, used += length);
  };
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

/**
 * Passes byte strings on in random order while it holds at most `maxBytes` of them. What fits is shuffled uniformly; of
 * more, each one leaves at a random moment after it came.
 */
export async function* shuffleStream(
  items: AsyncIterable<Uint8Array>,
  maxBytes: number,
  random: RandomSource,
): AsyncGenerator<Uint8Array> {
  const held: Uint8Array[] = [];
  let bytes = 0;
  for await (const item of items) {
    // A copy, since a part of a larger buffer would hold all of it.
    held.push(item.slice());
    bytes += item.length;
    while (bytes > maxBytes) {
      const index = uniformBelow(held.length, random);
      const chosen = held[index]!;
      held[index] = held.at(-1)!;
      held.pop();
      bytes -= chosen.length;
      yield chosen;
    }
  }
  yield* shuffle(held, random);
}
