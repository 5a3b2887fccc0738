/**
 * A reproducible stand-in for a cryptographic source: statistical tests that draw from it cannot flake.
 *
 * @module
 */

/** A seeded generator: xoshiro128** (Blackman and Vigna), seeded by splitmix32. */
export interface SeededRandom {
  /** Uniform in 0..2^32 - 1. */
  uint32(): number;
  /** Uniform in [0, 1), 53 bits. */
  unit(): number;
  /** A RandomSource. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/**
 * `DIT_TEST_SALT=fresh` (deno task test:statistics) gives every run other draws, and {@linkcode trials} ten times as
 * many: what CI cannot do, since a test of chances fails by chance now and then. A number repeats the run that named it.
 */
const SALT = saltOf(Deno.env.get("DIT_TEST_SALT"));

function saltOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const [fresh] = crypto.getRandomValues(new Uint32Array(1));
  const salt = text === "fresh" ? Number(fresh) : Number(text);
  // deno-lint-ignore no-console -- whoever sees a test fail needs it to see it again.
  console.log(`drawn with DIT_TEST_SALT=${salt}`);
  return salt;
}

/** How many trials a statistical test makes: `count`, or ten times as many in the long form. */
export function trials(count: number): number {
  return SALT === 0 ? count : 10 * count;
}

/** Makes a generator; the same seed gives the same sequence. */
export function seededRandom(seed: number): SeededRandom {
  let mixed = seed ^ SALT;
  const stateWord = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let word = Math.imul(mixed ^ mixed >>> 16, 0x21f0aaad);
    word = Math.imul(word ^ word >>> 15, 0x735a2d97);
    return word ^ word >>> 15;
  };
  let [first, second, third, fourth] = [stateWord(), stateWord(), stateWord(), stateWord()];
  const uint32 = (): number => {
    const scrambled = Math.imul(second, 5);
    const result = Math.imul(scrambled << 7 | scrambled >>> 25, 9);
    const shifted = second << 9;
    third ^= first;
    fourth ^= second;
    second ^= third;
    first ^= fourth;
    third ^= shifted;
    fourth = fourth << 11 | fourth >>> 21;
    return result >>> 0;
  };
  const bytes = (length: number): Uint8Array<ArrayBuffer> => {
    const filled = new Uint8Array(length);
    for (let index = 0, word = 0; index < length; index++) {
      word = index % 4 === 0 ? uint32() : word >>> 8;
      filled[index] = word;
    }
    return filled;
  };
  return { uint32, bytes, unit: () => (uint32() * 2 ** 21 + (uint32() >>> 11)) / 2 ** 53 };
}
