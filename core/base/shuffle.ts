import { UniformSource } from "./uniform.ts";
import type { RandomSource } from "./random.ts";

/** A uniformly shuffled copy (Fisher and Yates), from a cryptographic source. */
export function shuffle<T>(items: readonly T[], random: RandomSource): T[] {
  const shuffled = [...items];
  // A call of the source costs more than its bytes, so they are asked for together.
  const uniform = new UniformSource(random, Math.min(2 * items.length + 1, 4_096));
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = uniform.below(last + 1);
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
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
  const uniform = new UniformSource(random);
  for await (const item of items) {
    // A copy, since a part of a larger buffer would hold all of it.
    held.push(item.slice());
    bytes += item.length;
    while (bytes > maxBytes) {
      const index = uniform.below(held.length);
      const chosen = held[index]!;
      held[index] = held.at(-1)!;
      held.pop();
      bytes -= chosen.length;
      yield chosen;
    }
  }
  yield* shuffle(held, random);
}
