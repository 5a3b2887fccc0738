/**
 * Padding of bodies to a few sizes, so that a length says little about what is in it.
 *
 * @module
 */
import { concat } from "../../core/base/bytes.ts";

/** The sizes of a body on the wire, in bytes. */
export const BODY_SIZES = [1024, 4096, 16_384, 65_536] as const;

const GZIP_HEADER_LENGTH = 10;
/** ID1, ID2 and the method, deflate, which is the only one (RFC 1952, 2.3.1). */
const GZIP_START = [0x1f, 0x8b, 8] as const;
const FLAG_EXTRA = 0x04;
/** XLEN, and the subfield's id and length (RFC 1952, 2.3.1.1). */
const EXTRA_OVERHEAD = 6;
/** A subfield id that nobody registered; decoders skip what they do not know. */
const SUBFIELD_ID = [0x44, 0x50];

/** The least size that holds `length` bytes; undefined when none does. */
export function bodySize(length: number): number | undefined {
  return BODY_SIZES.find((size) => length <= size);
}

/**
 * Fills a gzip file of one member and without optional header fields up to a size with an FEXTRA field, which every
 * decoder skips. Time, level and system of the header are blanked: they tell platforms apart.
 * @throws {RangeError} If it is no such file, or no size holds it.
 */
export function padGzip(gzip: Uint8Array): Uint8Array<ArrayBuffer> {
  const isPlain = [...GZIP_START, 0].every((byte, index) => gzip[index] === byte);
  if (gzip.length < GZIP_HEADER_LENGTH || !isPlain) {
    throw new RangeError("Cannot pad gzip: header");
  }
  const size = bodySize(gzip.length + EXTRA_OVERHEAD);
  if (size === undefined) throw new RangeError("Cannot pad gzip: length");
  const padding = size - gzip.length - EXTRA_OVERHEAD;
  const extraLength = padding + 4;
  return concat(
    Uint8Array.of(...GZIP_START, FLAG_EXTRA, 0, 0, 0, 0, 0, 0xff),
    Uint8Array.of(extraLength & 0xff, extraLength >> 8),
    Uint8Array.of(...SUBFIELD_ID, padding & 0xff, padding >> 8),
    new Uint8Array(padding),
    gzip.subarray(GZIP_HEADER_LENGTH),
  );
}
