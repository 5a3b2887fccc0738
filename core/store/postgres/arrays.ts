/**
 * Arrays as the server takes them in binary (array_recv in PostgreSQL's arrayfuncs.c): `pg` would send them as text, in
 * which each byte of a key or a value takes two.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const HEADER_LENGTH = 12;
const DIMENSION_LENGTH = 8;
/** Object ids of the types of elements (pg_type.dat). */
const BYTEA = 17;
const BIGINT = 20;
const INT = 23;

/** A parameter of type `bytea[]`. */
export function byteaArray(elements: readonly Uint8Array[]): Buffer {
  return arrayOf(
    BYTEA,
    elements,
    ({ length }) => length,
    (buffer, element, at) => void buffer.set(element, at),
  );
}

/** A parameter of type `bigint[]`. */
export function bigintArray(elements: readonly (number | bigint)[]): Buffer {
  return arrayOf(
    BIGINT,
    elements,
    () => 8,
    (buffer, element, at) => buffer.writeBigInt64BE(BigInt(element), at),
  );
}

/** A parameter of type `int[]`. */
export function intArray(elements: readonly number[]): Buffer {
  return arrayOf(INT, elements, () => 4, (buffer, element, at) => buffer.writeInt32BE(element, at));
}

function arrayOf<T>(
  type: number,
  elements: readonly T[],
  lengthOf: (element: T) => number,
  write: (buffer: Buffer, element: T, at: number) => void,
): Buffer {
  const dimensions = elements.length === 0 ? 0 : 1;
  let length = HEADER_LENGTH + dimensions * DIMENSION_LENGTH;
  for (const element of elements) length += 4 + lengthOf(element);
  const buffer = Buffer.allocUnsafe(length);
  buffer.writeInt32BE(dimensions, 0);
  // No element is null.
  buffer.writeInt32BE(0, 4);
  buffer.writeInt32BE(type, 8);
  if (dimensions === 0) return buffer;
  buffer.writeInt32BE(elements.length, 12);
  // The index of the first.
  buffer.writeInt32BE(1, 16);
  let at = HEADER_LENGTH + DIMENSION_LENGTH;
  for (const element of elements) {
    const size = lengthOf(element);
    at = buffer.writeInt32BE(size, at);
    write(buffer, element, at);
    at += size;
  }
  return buffer;
}
