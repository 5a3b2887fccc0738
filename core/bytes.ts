/**
 * Byte strings: joining, lengths, and base64url as this protocol takes it. No runtime is assumed, since the client
 * uses this file in browsers, Node and Bun as well.
 *
 * @module
 */

/** Joins byte strings. */
export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

const encoder = new TextEncoder();

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** An unsigned 16-bit integer, big-endian. Throws a `RangeError` outside 0..65535. */
export function u16(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
    throw new RangeError(`Cannot encode u16: ${value} is outside 0..65535`);
  }
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** An unsigned 32-bit integer, big-endian. Throws a `RangeError` outside 0..2^32-1. */
export function u32(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(`Cannot encode u32: ${value} is outside 0..4294967295`);
  }
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** An unsigned 64-bit integer, big-endian, from a safe integer. */
export function u64(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot encode u64: ${value} is not a safe integer from 0 up`);
  }
  return concat(u32(Math.floor(value / 2 ** 32)), u32(value >>> 0));
}

/** `lp(x)` of the protocol: a u16 length, then the bytes. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(u16(bytes.length), bytes);
}

/** Whether two byte strings are equal. Not constant-time: for public values only. */
export function equalPublic(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Base64url without padding (RFC 4648, section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Thrown by the strict decoders of the wire formats; the message says what was wrong and repeats no input. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/**
 * Decodes base64url strictly: no padding, no foreign character, no set bit beyond the last byte.
 * @throws {DecodeError} With a message of its own for each fault.
 */
export function fromBase64url(text: string, length?: number): Uint8Array<ArrayBuffer> {
  if (text.includes("=")) throw new DecodeError("Cannot decode base64url: padding is not allowed");
  if (!/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new DecodeError("Cannot decode base64url: a character is outside the alphabet");
  }
  if (text.length % 4 === 1) throw new DecodeError("Cannot decode base64url: no byte string has this length");
  const bytes = Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    (character) => character.charCodeAt(0),
  );
  if (toBase64url(bytes) !== text) {
    throw new DecodeError("Cannot decode base64url: trailing bits are not zero");
  }
  if (length !== undefined && bytes.length !== length) {
    throw new DecodeError(`Cannot decode base64url: ${bytes.length} bytes instead of ${length}`);
  }
  return bytes;
}
