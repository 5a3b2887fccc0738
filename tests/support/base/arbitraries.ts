/**
 * What the property tests of the wire formats draw from.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DecodeError } from "../../../core/base/bytes.ts";
import type { SuiteLengths } from "../../../core/token/batch.ts";

/** The lengths of both cipher suites (docs/protocol.md, section 2), written out: a suite that drifts is noticed. */
export const SUITES: Readonly<Record<string, SuiteLengths>> = {
  "ristretto255-SHA512": { tokenType: 0x0005, elementLength: 32, scalarLength: 32 },
  "P384-SHA384": { tokenType: 0x0001, elementLength: 49, scalarLength: 48 },
};

/** Byte strings of exactly `length` bytes. */
export function bytesOf(length: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return fc.uint8Array({ minLength: length, maxLength: length }) as fc.Arbitrary<Uint8Array<ArrayBuffer>>;
}

/** Ids of applications, `[a-z][a-z0-9-]{0,62}`. */
export function appIds(): fc.Arbitrary<string> {
  return fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/);
}

/** Asserts that `decode` either throws a {@linkcode DecodeError}, or gives a value that encodes to the input again. */
export function assertStrict<T>(input: T, decode: (input: T) => unknown, encode: (value: never) => T): void {
  let value: unknown;
  try {
    value = decode(input);
  } catch (error) {
    assert(error instanceof DecodeError, `not a DecodeError: ${error}`);
    return;
  }
  assertEquals(encode(value as never), input);
}

/** A copy of `bytes` in which one bit is another. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array<ArrayBuffer> {
  const flipped = new Uint8Array(bytes);
  const index = bit >> 3;
  flipped[index] = flipped[index]! ^ (1 << (bit & 7));
  return flipped;
}
