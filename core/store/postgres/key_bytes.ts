/**
 * Keys as bytes that PostgreSQL compares as the port compares keys: part by part, by type and then by value. `bytea` is
 * compared byte by byte, a shorter one before what begins with it.
 *
 * @module
 */
import { concat, utf8 } from "../../base/bytes.ts";
import type { Key, KeyPart, Range } from "../port.ts";

/** The tags of the types, in their order. Every part begins with one, so that the byte 0 ends a key and 255 is behind all. */
const BYTES = 1;
const TEXT = 2;
const NEGATIVE = 3;
const ZERO = 4;
const POSITIVE = 5;
const NUMBER = 6;
const FALSE = 7;
const TRUE = 8;

/** Behind every key that begins with what is before it. */
const BEHIND_ALL = Uint8Array.of(0xff);
/** Before every key that begins with what is before it and has more. */
const BEFORE_MORE = Uint8Array.of(BYTES);
/** Most bytes of a bigint. */
const MAX_BIGINT_BYTES = 255;

/** Some keys, from the first one up to and without the last. */
export interface ByteRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** Encodes a key. Throws a `TypeError` if a part of it has no place in an order. */
export function encodeKey(key: Key): Uint8Array<ArrayBuffer> {
  return concat(...key.map(encodePart));
}

/** Decodes a key that {@linkcode encodeKey} made. */
export function decodeKey(bytes: Uint8Array): Key {
  const parts: KeyPart[] = [];
  for (let at = 0; at < bytes.length;) {
    const [part, next] = decodePart(bytes, at);
    parts.push(part);
    at = next;
  }
  return parts;
}

/** The bytes between which the keys of a range lie. */
export function encodeRange(range: Range): ByteRange {
  if (!("prefix" in range)) return { start: encodeKey(range.start), end: encodeKey(range.end) };
  const prefix = encodeKey(range.prefix);
  return {
    start: "start" in range ? encodeKey(range.start) : concat(prefix, BEFORE_MORE),
    end: "end" in range ? encodeKey(range.end) : concat(prefix, BEHIND_ALL),
  };
}

function encodePart(part: KeyPart): Uint8Array {
  if (part instanceof Uint8Array) return concat(Uint8Array.of(BYTES), escape(part));
  if (typeof part === "string") return concat(Uint8Array.of(TEXT), escape(utf8(part)));
  if (typeof part === "bigint") return encodeBigint(part);
  if (typeof part === "boolean") return Uint8Array.of(part ? TRUE : FALSE);
  if (Number.isNaN(part)) throw new TypeError("Cannot encode key: NaN");
  const encoded = new Uint8Array(9);
  const view = new DataView(encoded.buffer);
  encoded[0] = NUMBER;
  view.setFloat64(1, part);
  const bits = view.getBigUint64(1);
  // IEEE 754 in the order of its values: negative ones turned round, all others behind them.
  view.setBigUint64(1, bits >> 63n === 0n ? bits | 1n << 63n : ~bits);
  return encoded;
}

function decodePart(bytes: Uint8Array, at: number): [part: KeyPart, next: number] {
  switch (bytes[at]) {
    case BYTES:
      return unescape(bytes, at + 1);
    case TEXT: {
      const [text, next] = unescape(bytes, at + 1);
      return [new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text), next];
    }
    case ZERO:
      return [0n, at + 1];
    case NEGATIVE:
    case POSITIVE:
      return decodeBigint(bytes, at);
    case FALSE:
      return [false, at + 1];
    case TRUE:
      return [true, at + 1];
    default:
      return [decodeNumber(bytes, at + 1), at + 9];
  }
}

function decodeNumber(bytes: Uint8Array, at: number): number {
  const view = new DataView(new ArrayBuffer(8));
  const bits = new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0);
  view.setBigUint64(0, bits >> 63n === 1n ? bits & ~(1n << 63n) : ~bits);
  return view.getFloat64(0);
}

/** With 0 as 0 255 and a single 0 at the end: what begins with it comes behind it. */
function escape(bytes: Uint8Array): Uint8Array {
  const escaped: number[] = [];
  for (const byte of bytes) {
    escaped.push(byte);
    if (byte === 0) escaped.push(0xff);
  }
  escaped.push(0);
  return Uint8Array.from(escaped);
}

function unescape(bytes: Uint8Array, at: number): [part: Uint8Array, next: number] {
  const part: number[] = [];
  for (;; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0) {
      if (bytes[at + 1] !== 0xff) return [Uint8Array.from(part), at + 1];
      at++;
    }
    part.push(byte);
  }
}

function encodeBigint(value: bigint): Uint8Array {
  if (value === 0n) return Uint8Array.of(ZERO);
  const digits = (value < 0n ? -value : value).toString(16);
  const magnitude = Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
  const { length } = magnitude;
  if (length > MAX_BIGINT_BYTES) throw new TypeError("Cannot encode key: bigint");
  return value > 0n
    ? concat(Uint8Array.of(POSITIVE, length), magnitude)
    : concat(Uint8Array.of(NEGATIVE, MAX_BIGINT_BYTES - length), magnitude.map((byte) => ~byte));
}

function decodeBigint(bytes: Uint8Array, at: number): [part: bigint, next: number] {
  const isNegative = bytes[at] === NEGATIVE;
  const stated = bytes[at + 1] ?? 0;
  const next = at + 2 + (isNegative ? MAX_BIGINT_BYTES - stated : stated);
  const magnitude = bytes.slice(at + 2, next);
  const value = BigInt(`0x${(isNegative ? magnitude.map((byte) => ~byte) : magnitude).toHex()}`);
  return [isNegative ? -value : value, next];
}
