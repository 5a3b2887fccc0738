/**
 * SipHash-2-4 (Aumasson and Bernstein, INDOCRYPT 2012): a pseudorandom function from short strings to 64 bits.
 *
 * The sketches hash a value and a pseudonym for every field of every event. SipHash is made for that: a keyed function
 * on whose output nobody without the key can predict or test anything, and dozens of times cheaper here than HMAC-SHA-256
 * (`bench/privacy.ts` prints both). It is no substitute for HMAC where 64 bits of output are too few.
 *
 * @module
 */
import type { Hash64 } from "./hash64.ts";

/** Bytes of a key. */
export const SIPHASH_KEY_LENGTH = 16;

/** SipHash-2-4 under one key. */
export class SipHash {
  readonly #state: readonly [number, number, number, number, number, number, number, number];

  /** Throws a `RangeError` if `key` has not 16 bytes. */
  constructor(key: Uint8Array) {
    if (key.length !== SIPHASH_KEY_LENGTH) {
      throw new RangeError(`Cannot key SipHash: length ${key.length} is not ${SIPHASH_KEY_LENGTH}`);
    }
    const words = new DataView(key.buffer, key.byteOffset, key.byteLength);
    const k0Low = words.getInt32(0, true), k0High = words.getInt32(4, true);
    const k1Low = words.getInt32(8, true), k1High = words.getInt32(12, true);
    // Section 2.2, step 1; low half first.
    // deno-fmt-ignore
    this.#state = [
      k0Low ^ 0x70736575, k0High ^ 0x736f6d65, k1Low ^ 0x6e646f6d, k1High ^ 0x646f7261,
      k0Low ^ 0x6e657261, k0High ^ 0x6c796765, k1Low ^ 0x79746573, k1High ^ 0x74656462,
    ];
  }

  /** The 64-bit hash of a message of any length. */
  hash(message: Uint8Array): Hash64 {
    // Eight local 32-bit halves: V8 keeps them in registers, where a loop over a typed array would not.
    let [v0, u0, v1, u1, v2, u2, v3, u3] = this.#state;
    const length = message.length;
    const compressionRounds = 2 * ((length >>> 3) + 1);
    let low = 0, high = 0;
    for (let round = 0; round < compressionRounds + 4; round++) {
      const injects = (round & 1) === 0 && round < compressionRounds;
      if (injects) {
        const offset = round << 2;
        if (round < compressionRounds - 2) {
          low = byteAt(message, offset) | byteAt(message, offset + 1) << 8 |
            byteAt(message, offset + 2) << 16 | byteAt(message, offset + 3) << 24;
          high = byteAt(message, offset + 4) | byteAt(message, offset + 5) << 8 |
            byteAt(message, offset + 6) << 16 | byteAt(message, offset + 7) << 24;
        } else {
          // The last word: what is left of the message, and its length in the top byte.
          low = 0;
          high = length << 24;
          for (let index = offset; index < length; index++) {
            const position = index - offset;
            if (position < 4) low |= byteAt(message, index) << (8 * position);
            else high |= byteAt(message, index) << (8 * position - 32);
          }
        }
        v3 ^= low;
        u3 ^= high;
      } else if (round === compressionRounds) {
        v2 ^= 0xff;
      }

      // SipRound, figure 2.1, on halves: `v` low, `u` high.
      let sum = (v0 + v1) | 0;
      u0 = (u0 + u1 + ((sum >>> 0) < (v1 >>> 0) ? 1 : 0)) | 0;
      v0 = sum;
      let rotated = v1 << 13 | u1 >>> 19;
      u1 = (u1 << 13 | v1 >>> 19) ^ u0;
      v1 = rotated ^ v0;
      rotated = v0;
      v0 = u0;
      u0 = rotated;

      sum = (v2 + v3) | 0;
      u2 = (u2 + u3 + ((sum >>> 0) < (v3 >>> 0) ? 1 : 0)) | 0;
      v2 = sum;
      rotated = v3 << 16 | u3 >>> 16;
      u3 = (u3 << 16 | v3 >>> 16) ^ u2;
      v3 = rotated ^ v2;

      sum = (v0 + v3) | 0;
      u0 = (u0 + u3 + ((sum >>> 0) < (v3 >>> 0) ? 1 : 0)) | 0;
      v0 = sum;
      rotated = v3 << 21 | u3 >>> 11;
      u3 = (u3 << 21 | v3 >>> 11) ^ u0;
      v3 = rotated ^ v0;

      sum = (v2 + v1) | 0;
      u2 = (u2 + u1 + ((sum >>> 0) < (v1 >>> 0) ? 1 : 0)) | 0;
      v2 = sum;
      rotated = v1 << 17 | u1 >>> 15;
      u1 = (u1 << 17 | v1 >>> 15) ^ u2;
      v1 = rotated ^ v2;
      rotated = v2;
      v2 = u2;
      u2 = rotated;

      if ((round & 1) === 1 && round < compressionRounds) {
        v0 ^= low;
        u0 ^= high;
      }
    }
    return { high: (u0 ^ u1 ^ u2 ^ u3) >>> 0, low: (v0 ^ v1 ^ v2 ^ v3) >>> 0 };
  }
}

/** A byte at an index that is below the length. */
function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index]!;
}
