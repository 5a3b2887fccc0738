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

/** Half of a surrogate pair whose other half is missing: with the flag `u` a whole pair is one character. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether a text has a UTF-8 form: it holds no lone surrogate. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/**
 * UTF-8 bytes of a text: no two texts have the same ones.
 * @throws {RangeError} If the text holds a lone surrogate: a TextEncoder would write U+FFFD for it.
 */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  if (!isWellFormed(text)) throw new RangeError("A text with a lone surrogate has no UTF-8 form");
  return encoder.encode(text);
}

/** An unsigned 16-bit integer, big-endian. Throws a `RangeError` outside 0..65535. */
export function u16(value: number): Uint8Array<ArrayBuffer> {
  requireU16(value);
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** The big-endian u16 at an offset. Throws a `RangeError` where the bytes end before it does. */
export function readU16(bytes: Uint8Array, offset = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint16(offset);
}

/** An unsigned 32-bit integer, big-endian. Throws a `RangeError` outside 0..2^32-1. */
export function u32(value: number): Uint8Array<ArrayBuffer> {
  requireU32(value);
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** An unsigned 64-bit integer, big-endian, from a safe integer. */
export function u64(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw outOfRange(64, value);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Throws a `RangeError` outside 0..65535. */
export function requireU16(value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw outOfRange(16, value);
}

/** Throws a `RangeError` outside 0..2^32-1. */
export function requireU32(value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw outOfRange(32, value);
}

function outOfRange(bits: number, value: number): RangeError {
  return new RangeError(`Cannot encode u${bits}: ${value}`);
}

/** `lp(x)` of the protocol: a u16 length, then the bytes. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(u16(bytes.length), bytes);
}

/** Throws a `RangeError` unless every part has 32 bytes; `what` is being encoded. */
export function require32(what: string, ...parts: Uint8Array[]): void {
  for (const { length } of parts) {
    if (length !== 32) throw new RangeError(`Cannot encode ${what}: a part has ${length} bytes, not 32`);
  }
}

/** Whether two byte strings are equal. Not constant-time: for public values only. */
export function equalPublic(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Whether all bytes are zero, in a time that only their number decides. */
export function isZero(bytes: Uint8Array): boolean {
  let any = 0;
  for (const byte of bytes) any |= byte;
  return any === 0;
}

/** One character a byte, to name byte strings in maps. A few hundred bytes at most: each is an argument of a call. */
export function binaryText(bytes: Uint8Array): string {
  // Spreading would go through the iterator of the array.
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of hexadecimal that is a constant of the code: an even number of digits. */
export function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
}

// Tables of our own: the runtimes' functions need two copies and a comparison to be as strict, which every log would
// pay for. Not constant-time, which no caller needs: secrets are compared after decoding.
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SEXTETS: Int8Array = new Int8Array(128).fill(-1);
for (let sextet = 0; sextet < 64; sextet++) SEXTETS[ALPHABET.charCodeAt(sextet)] = sextet;

/** Base64url without padding (RFC 4648, section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    bits = (bits << 8 | byte) & 0xffff;
    for (held += 8; held >= 6; held -= 6) text += ALPHABET[bits >> (held - 6) & 63];
  }
  return held === 0 ? text : text + ALPHABET[bits << (6 - held) & 63];
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
  return decodeBase64url(text, new Uint8Array(length ?? text.length * 6 >> 3));
}

/**
 * The same into an array that is as long as the bytes, which is given back.
 * @throws {DecodeError} As {@linkcode fromBase64url}; then some of them are written.
 */
export function decodeBase64url<B extends Uint8Array>(text: string, bytes: B): B {
  let bits = 0;
  let held = 0;
  let offset = 0;
  for (let index = 0; index < text.length; index++) {
    const sextet = SEXTETS[text.charCodeAt(index)] ?? -1;
    if (sextet === -1) {
      if (text.includes("=")) throw new DecodeError("Cannot decode base64url: padding is not allowed");
      throw new DecodeError("Cannot decode base64url: a character is outside the alphabet");
    }
    bits = (bits << 6 | sextet) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[offset++] = bits >> held;
  }
  if (text.length % 4 === 1) throw new DecodeError("Cannot decode base64url: no byte string has this length");
  if ((bits & ((1 << held) - 1)) !== 0) {
    throw new DecodeError("Cannot decode base64url: trailing bits are not zero");
  }
  if (offset !== bytes.length) {
    throw new DecodeError(`Cannot decode base64url: ${offset} bytes instead of ${bytes.length}`);
  }
  return bytes;
}

const ALL_BASE64URL = /^[A-Za-z0-9_-]*$/;

/** Whether {@linkcode fromBase64url} would give so many bytes, without making them. */
export function isBase64url(text: string, length: number): boolean {
  if (text.length !== Math.ceil(length * 4 / 3) || !ALL_BASE64URL.test(text)) return false;
  // What is left of the last character's six bits.
  const spare = text.length * 6 - length * 8;
  return text === "" || ((SEXTETS[text.charCodeAt(text.length - 1)] ?? -1) & ((1 << spare) - 1)) === 0;
}
