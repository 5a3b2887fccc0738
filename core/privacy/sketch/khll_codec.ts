/**
 * The bytes of a KHyperLogLog, whole or in chunks that fit a store's value limit.
 *
 *     u8 version = 1 | u8 log2 M | u16 K | u16 chunk | u16 chunk_count | u16 entry_count |
 *     entry_count times, hashes strictly ascending:  value hash[8] | u8 n | n pseudonym hashes[8] ascending, 1 <= n <= 64
 *                                                    value hash[8] | u8 0xff | registers[M]
 *
 * Integers are big-endian. One state has one serialization, so equal sketches are equal bytes.
 *
 * Chunk i of n (n a power of two) holds the entries whose hash ends in the bits of i. The last bits are uniform
 * however many values there are, where ranges of the first bits would all fall into one chunk: the kept hashes are the
 * smallest. Every chunk is a sketch in its own right: what a store holds is the union of its chunks, whoever wrote
 * them and whatever n was then, and a writer that lost a race merges the one chunk that it lost and writes it again.
 *
 * @module
 */
import { DecodeError } from "../../base/bytes.ts";
import { HASH64_LENGTH, readHash64, writeHash64 } from "./hash64.ts";
import { HyperLogLog } from "./hyperloglog.ts";
import { type KhllParameters, KHyperLogLog } from "./khll.ts";

/** How {@linkcode serializeChunks} splits. */
export interface ChunkLimits {
  /** Greatest chunk in bytes. */
  readonly maximumLength: number;
  /** Least number of chunks, a power of two, 1 by default: what the store has, so that chunks keep their places. */
  readonly minimumCount?: number;
}

/** The whole sketch as bytes. */
export function serialize(sketch: KHyperLogLog): Uint8Array<ArrayBuffer> {
  return serializeChunk(sketch, 0, 1);
}

/**
 * The sketch as the least power of two of chunks that all fit; the array's index is the chunk's number.
 * Throws a `RangeError` if `minimumCount` is no power of two up to 32768, or one entry alone exceeds `maximumLength`.
 */
export function serializeChunks(
  sketch: KHyperLogLog,
  { maximumLength, minimumCount = 1 }: ChunkLimits,
): Uint8Array<ArrayBuffer>[] {
  checkChunkCount(minimumCount);
  for (let count = minimumCount; count <= MAXIMUM_CHUNK_COUNT; count *= 2) {
    const lengths = new Array<number>(count).fill(HEADER_LENGTH);
    for (let index = 0; index < sketch.size; index++) {
      lengths[sketch.hashAt(index).low & (count - 1)]! += entryLength(sketch, index);
    }
    if (lengths.every((length) => length <= maximumLength)) {
      return lengths.map((_, chunk) => serializeChunk(sketch, chunk, count));
    }
  }
  throw new RangeError(`Cannot split KHyperLogLog: an entry does not fit into ${maximumLength} bytes`);
}

/** Chunk number `chunk` of `count`. Throws a `RangeError` if `count` is no power of two or `chunk` is not below it. */
export function serializeChunk(sketch: KHyperLogLog, chunk: number, count: number): Uint8Array<ArrayBuffer> {
  checkChunkCount(count);
  if (!Number.isInteger(chunk) || chunk < 0 || chunk >= count) {
    throw new RangeError(`Cannot split KHyperLogLog: chunk ${chunk} is outside 0..${count - 1}`);
  }
  const indexes: number[] = [];
  let length = HEADER_LENGTH;
  for (let index = 0; index < sketch.size; index++) {
    if ((sketch.hashAt(index).low & (count - 1)) !== chunk) continue;
    indexes.push(index);
    length += entryLength(sketch, index);
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, Math.log2(sketch.registerCount));
  view.setUint16(2, sketch.k);
  view.setUint16(4, chunk);
  view.setUint16(6, count);
  view.setUint16(8, indexes.length);
  let offset = HEADER_LENGTH;
  for (const index of indexes) {
    writeHash64(view, offset, sketch.hashAt(index));
    sketch.pseudonymsAt(index).write(bytes, offset + HASH64_LENGTH);
    offset += entryLength(sketch, index);
  }
  return bytes;
}

/**
 * Reads what {@linkcode serialize}, {@linkcode serializeChunk} or {@linkcode serializeChunks} wrote, as a sketch of its
 * own to be merged with others.
 * @throws {DecodeError} If the bytes are not exactly what the serialization of some sketch with these parameters is.
 */
export function deserialize(bytes: Uint8Array, parameters: KhllParameters): KHyperLogLog {
  if (bytes.length < HEADER_LENGTH) throw new DecodeError("Cannot decode KHyperLogLog: the input ends early");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sketch = new KHyperLogLog(parameters);
  if (view.getUint8(0) !== VERSION) throw new DecodeError("Cannot decode KHyperLogLog: unknown version");
  if (view.getUint8(1) !== Math.log2(sketch.registerCount) || view.getUint16(2) !== sketch.k) {
    throw new DecodeError("Cannot decode KHyperLogLog: its parameters are not the expected ones");
  }
  const chunk = view.getUint16(4), count = view.getUint16(6), entries = view.getUint16(8);
  if (!isChunkCount(count) || chunk >= count) {
    throw new DecodeError("Cannot decode KHyperLogLog: there is no such chunk");
  }
  if (entries > sketch.k) throw new DecodeError("Cannot decode KHyperLogLog: it has more than K entries");
  let offset = HEADER_LENGTH;
  for (let entry = 0; entry < entries; entry++) {
    if (offset + HASH64_LENGTH > bytes.length) {
      throw new DecodeError("Cannot decode KHyperLogLog: the input ends early");
    }
    const hash = readHash64(view, offset);
    if ((hash.low & (count - 1)) !== chunk) {
      throw new DecodeError("Cannot decode KHyperLogLog: an entry belongs to another chunk");
    }
    const pseudonyms = HyperLogLog.read(bytes, offset + HASH64_LENGTH, sketch.registerCount);
    if (pseudonyms.isExact && pseudonyms.cardinality() === 0) {
      throw new DecodeError("Cannot decode KHyperLogLog: a value has no pseudonym");
    }
    if (entry > 0) {
      const before = sketch.hashAt(entry - 1);
      if (hash.high < before.high || (hash.high === before.high && hash.low <= before.low)) {
        throw new DecodeError("Cannot decode KHyperLogLog: the hashes are not strictly ascending");
      }
    }
    sketch.addAll(hash, pseudonyms);
    offset += HASH64_LENGTH + pseudonyms.byteLength;
  }
  if (offset !== bytes.length) {
    throw new DecodeError(`Cannot decode KHyperLogLog: ${bytes.length - offset} bytes are left over`);
  }
  return sketch;
}

const VERSION = 1;
const HEADER_LENGTH = 10;
const MAXIMUM_CHUNK_COUNT = 32768;

function entryLength(sketch: KHyperLogLog, index: number): number {
  return HASH64_LENGTH + sketch.pseudonymsAt(index).byteLength;
}

function isChunkCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= MAXIMUM_CHUNK_COUNT && (count & (count - 1)) === 0;
}

function checkChunkCount(count: number): void {
  if (!isChunkCount(count)) {
    throw new RangeError(
      `Cannot split KHyperLogLog: ${count} chunks are no power of two up to ${MAXIMUM_CHUNK_COUNT}`,
    );
  }
}
