/**
 * Values as bytes: bytes as they are, everything else as V8 serializes it, which later versions of V8 read.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import { concat } from "../../base/bytes.ts";

const RAW = 0;
const SERIALIZED = 1;

/** Encodes a value. Throws if it holds what cannot be cloned, such as a function. */
export function encodeValue(value: unknown): Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array
    ? concat(Uint8Array.of(RAW), value)
    : concat(Uint8Array.of(SERIALIZED), serialize(value));
}

/** Decodes a value that {@linkcode encodeValue} made. */
export function decodeValue<T>(bytes: Uint8Array): T {
  const rest = bytes.slice(1);
  return (bytes[0] === RAW ? Uint8Array.from(rest) : deserialize(rest)) as T;
}
