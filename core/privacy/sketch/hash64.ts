/**
 * A 64-bit hash as two 32-bit halves: BigInt arithmetic on ten million hashes would cost more than the hashing.
 *
 * @module
 */

/** A 64-bit hash in two unsigned 32-bit integers. */
export interface Hash64 {
  /** The upper 32 bits. */
  readonly high: number;
  /** The lower 32 bits. */
  readonly low: number;
}

/** The bytes of a serialized {@linkcode Hash64}: big-endian, so that the order of bytes is the order of hashes. */
export const HASH64_LENGTH = 8;

/** Writes a hash at `offset`, 8 bytes, big-endian. */
export function writeHash64(view: DataView, offset: number, hash: Hash64): void {
  view.setUint32(offset, hash.high);
  view.setUint32(offset + 4, hash.low);
}

/** Reads the hash at `offset`, 8 bytes, big-endian. */
export function readHash64(view: DataView, offset: number): Hash64 {
  return { high: view.getUint32(offset), low: view.getUint32(offset + 4) };
}
