/**
 * QUIC variable-length integers (RFC 9000, section 16), in their minimum size only: one value has one encoding, so two
 * parties can never read one batch in two ways.
 *
 * @module
 */
import { DecodeError } from "./bytes.ts";

/** Encodes 0..2^30-1 in 1, 2 or 4 bytes. */
export function encodeVarint(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 30) {
    throw new RangeError(`Cannot encode varint: ${value}`);
  }
  if (value < 2 ** 6) return Uint8Array.of(value);
  if (value < 2 ** 14) return Uint8Array.of(0x40 | (value >> 8), value & 0xff);
  return Uint8Array.of(0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

/**
 * Reads a varint at `offset`.
 * @throws {DecodeError} If it is cut short, longer than its value needs, or of the 8-byte form, which no message uses.
 */
export function decodeVarint(bytes: Uint8Array, offset: number): { value: number; next: number } {
  const first = bytes[offset];
  if (first === undefined) throw new DecodeError("Cannot decode varint: the input ends before it");
  const size = 1 << (first >> 6);
  if (size === 8) throw new DecodeError("Cannot decode varint: larger than 1073741823");
  if (offset + size > bytes.length) throw new DecodeError("Cannot decode varint: the input ends inside it");
  let value = first & 0x3f;
  for (const byte of bytes.subarray(offset + 1, offset + size)) value = value * 256 + byte;
  if (size > 1 && value < 2 ** (size === 2 ? 6 : 14)) {
    throw new DecodeError("Cannot decode varint: not in its minimum size");
  }
  return { value, next: offset + size };
}
