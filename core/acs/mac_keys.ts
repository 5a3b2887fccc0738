/**
 * MAC keys of tokens that have been used, so that the second and later uses of a token cost an HMAC and no curve
 * arithmetic. Memory is only a cache: losing it costs time, never correctness.
 *
 * @module
 */
import { ByteLru, randomSeed } from "../base/byte_lru.ts";
import { require32, requireU32, u32 } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";

/**
 * A bounded map from (key, nonce) to MAC key, that forgets the one which was used the longest ago. It takes and gives
 * copies: what it overwrites in the end is nobody else's, least of all one that is on its way to another server.
 */
export class MacKeyCache {
  readonly #table: ByteLru;
  /** A name is put together here: an ordinal, big-endian, and a nonce. */
  readonly #name = new Uint8Array(4 + 32);

  /** Holds at most `capacity` MAC keys; 100,000 by default. */
  constructor(random: RandomSource, capacity = 100_000) {
    this.#table = new ByteLru({
      keyLength: this.#name.length,
      valueLength: 32,
      capacity,
      seed: randomSeed(random),
    });
  }

  /** The MAC key of a token whose MAC has verified before. */
  get(ordinal: number, nonce: Uint8Array): Uint8Array | undefined {
    return this.#table.get(this.#nameOf(ordinal, nonce));
  }

  /** Remembers a MAC key. Only after a MAC has verified under it: any nonce evaluates to some key. */
  set(ordinal: number, nonce: Uint8Array, macKey: Uint8Array): void {
    this.#table.set(this.#nameOf(ordinal, nonce), macKey);
  }

  /** Forgets all MAC keys of a signing key, overwriting them. */
  clear(ordinal: number): void {
    this.#table.clear(u32(ordinal));
  }

  /** How many it holds. */
  get size(): number {
    return this.#table.size;
  }

  #nameOf(ordinal: number, nonce: Uint8Array): Uint8Array {
    // The end of the one before would stand behind a shorter one.
    require32("name", nonce);
    requireU32(ordinal);
    this.#name[0] = ordinal >>> 24;
    this.#name[1] = ordinal >>> 16;
    this.#name[2] = ordinal >>> 8;
    this.#name[3] = ordinal;
    this.#name.set(nonce, 4);
    return this.#name;
  }
}
