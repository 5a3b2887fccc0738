/**
 * Exactly uniform integers from random bytes, by rejection. Math.random has no place near noise that hides people.
 *
 * @module
 */
import type { RandomSource } from "./random.ts";

/** Draws uniform integers from a {@linkcode RandomSource}, some bytes at a time. */
export class UniformSource {
  readonly #random: RandomSource;
  readonly #blockLength: number;
  #block = new Uint8Array(0);
  #used = 0;

  /** `blockLength` is how many bytes are fetched at once: more for a noisy release, few for a client's one report. */
  constructor(random: RandomSource, blockLength = 64) {
    this.#random = random;
    this.#blockLength = blockLength;
  }

  /** Uniform in 0..bound - 1. Throws a `RangeError` unless `bound` is an integer from 1 to 2^53. */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 53) {
      throw new RangeError(`Cannot draw below ${bound}: it is not an integer from 1 to 2^53`);
    }
    let range = 1;
    let bytes = 0;
    while (range < bound && bytes < 6) {
      range *= 256;
      bytes++;
    }
    // Seven bytes would leave the safe integers; 53 bits of them do not.
    if (range < bound) range = 2 ** 53;
    // Below the greatest multiple of the bound every remainder is equally likely; at most every other draw is lost.
    const limit = range - range % bound;
    while (true) {
      let drawn = range === 2 ** 53 ? this.#byte() & 0x1f : 0;
      for (let index = 0; index < bytes; index++) drawn = drawn * 256 + this.#byte();
      if (drawn < limit) return drawn % bound;
    }
  }

  /** Uniform in 0..bound - 1, of any size. Throws a `RangeError` unless `bound` is positive. */
  belowBig(bound: bigint): bigint {
    if (bound < 1n) throw new RangeError("Cannot draw below a bound that is not positive");
    if (bound <= SMALL) return BigInt(this.below(Number(bound)));
    const bits = bitLength(bound - 1n);
    const bytes = Math.ceil(bits / 8);
    while (true) {
      let drawn = 0n;
      for (let index = 0; index < bytes; index++) drawn = drawn << 8n | BigInt(this.#byte());
      drawn >>= BigInt(8 * bytes - bits);
      if (drawn < bound) return drawn;
    }
  }

  /** A fair coin. */
  coin(): boolean {
    return (this.#byte() & 1) === 1;
  }

  #byte(): number {
    if (this.#used === this.#block.length) {
      this.#block = this.#random(this.#blockLength);
      this.#used = 0;
    }
    const byte = this.#block[this.#used]!;
    // A draw that has served is forgotten, so that nobody who reads the memory later can redo the noise.
    this.#block[this.#used++] = 0;
    return byte;
  }
}

const SMALL = 2n ** 48n;

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28;
}
