/**
 * Values as bytes: bytes as they are, everything else as V8 serializes it, which later versions of V8 read.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";

const RAW = 0;
const SERIALIZED = 1;

/** Encodes a value. Throws if it holds what cannot be cloned, such as a function. */
export function encodeValue(value: unknown): Uint8Array<ArrayBuffer> {
  const isRaw = value instanceof Uint8Array;
  const bytes: Uint8Array = isRaw ? value : serialize(value);
  const encoded = new Uint8Array(1 + bytes.length);
  encoded[0] = isRaw ? RAW : SERIALIZED;
  encoded.set(bytes, 1);
  return encoded;
}

/** Decodes a value that {@linkcode encodeValue} made. */
export function decodeValue<T>(bytes: Uint8Array): T {
  const rest = bytes.subarray(1);
  return (bytes[0] === RAW ? Uint8Array.from(rest) : detached(deserialize(rest))) as T;
}

/**
 * A value whose bytes are its own: V8 gives views on what it was given, here on what came from the server, and whoever
 * keeps or writes such a view keeps and writes its neighbours' bytes as well.
 */
function detached(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(detached);
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [detached(key), detached(one)]));
  if (value instanceof Set) return new Set([...value].map(detached));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, detached(one)]));
}
