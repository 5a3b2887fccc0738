/**
 * A sample of pseudonyms, each with the sum of what it said: adaptive sampling (Wegman; Flajolet, "On adaptive sampling",
 * Computing 43, 1990). All pseudonyms are kept until there are more than the capacity; then those whose hash ends in one
 * more zero bit. So the sample is uniform, what it holds of a pseudonym is complete, and its size says how many there are.
 *
 * The bytes depend on what is in the sample alone: pseudonyms ascend by their hashes, and whose log came first is in none.
 *
 * Sums are of keyed hashes, modulo 2^52 (AdHash: Bellare and Micciancio, EUROCRYPT 1997): they depend on the multiset
 * of what was added and on no order. Adding is not idempotent: a sample is merged into another exactly once.
 *
 * @module
 */
import { DecodeError } from "../../base/bytes.ts";
import type { Hash64 } from "./hash64.ts";

/** Sums are below it, so that two add up exactly in a double. */
const MODULUS = 2 ** 52;
const ENTRY_LENGTH = 16;
/** Below 2^53: what a hash's 53 bits can lose. */
const MAXIMUM_LEVEL = 40;

/** A hash as an integer below 2^52: no two of some thousands of keyed ones meet. */
export function toId({ high, low }: Hash64): number {
  return high * 2 ** 20 + (low >>> 12);
}

/** The sum of two digests. */
export function addDigests(one: number, other: number): number {
  return (one + other) % MODULUS;
}

/** Sums by pseudonym. */
export class DigestSample {
  #level: number;
  readonly #sums = new Map<number, number>();

  /** An empty sample of at most `capacity` pseudonyms, of those alone that `level` leaves. */
  constructor(readonly capacity: number, level = 0) {
    this.#level = level;
  }

  /** The share of pseudonyms that is sampled is 2^-level. */
  get level(): number {
    return this.#level;
  }

  /** How many pseudonyms are kept: all there are at level 0. */
  get size(): number {
    return this.#sums.size;
  }

  /** Whether a pseudonym is among those that are kept, or would be. */
  samples(id: number): boolean {
    return id % 2 ** this.#level === 0;
  }

  /** Adds what a pseudonym said, an integer below 2^52. */
  add(id: number, digest: number): void {
    if (!this.samples(id)) return;
    this.#sums.set(id, addDigests(this.#sums.get(id) ?? 0, digest));
    while (this.#sums.size > this.capacity && this.#level < MAXIMUM_LEVEL) this.raiseTo(this.#level + 1);
  }

  /** Adds all that `other` holds, which no other sample may have been given. */
  merge(other: DigestSample): void {
    this.raiseTo(other.level);
    for (const [id, sum] of other.#sums) this.add(id, sum);
  }

  /** Forgets what a higher level does not leave. */
  raiseTo(level: number): void {
    if (level <= this.#level) return;
    this.#level = level;
    for (const id of this.#sums.keys()) {
      if (!this.samples(id)) this.#sums.delete(id);
    }
  }

  /** What the sampled pseudonyms said. */
  sums(): Iterable<number> {
    return this.#sums.values();
  }

  /** Bytes of {@linkcode DigestSample.write}. */
  get byteLength(): number {
    return 1 + ENTRY_LENGTH * this.#sums.size;
  }

  /** Writes u8 level, then a pair of float64 (pseudonym, sum) for each, ascending by pseudonym. */
  write(bytes: Uint8Array, offset: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, this.byteLength);
    view.setUint8(0, this.#level);
    let at = 1;
    // A map would give them in the order in which they came.
    for (const [id, sum] of [...this.#sums].sort(([a], [b]) => a - b)) {
      view.setFloat64(at, id);
      view.setFloat64(at + 8, sum);
      at += ENTRY_LENGTH;
    }
  }

  /**
   * Reads what {@linkcode DigestSample.write} wrote, to the end of `bytes`.
   * @throws {DecodeError} If it is not that.
   */
  static read(bytes: Uint8Array, offset: number, capacity: number): DigestSample {
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
    if (view.byteLength % ENTRY_LENGTH !== 1 || view.getUint8(0) > MAXIMUM_LEVEL) {
      throw new DecodeError("Cannot decode a sample of digests: its length or level is wrong");
    }
    const sample = new DigestSample(capacity, view.getUint8(0));
    let before = -1;
    for (let at = 1; at < view.byteLength; at += ENTRY_LENGTH) {
      const id = view.getFloat64(at), sum = view.getFloat64(at + 8);
      if (!isDigest(id) || !isDigest(sum) || !sample.samples(id)) {
        throw new DecodeError("Cannot decode a sample of digests: an entry is out of range");
      }
      if (id <= before) {
        throw new DecodeError("Cannot decode a sample of digests: its pseudonyms are not strictly ascending");
      }
      before = id;
      sample.add(id, sum);
    }
    return sample;
  }
}

function isDigest(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < MODULUS;
}
