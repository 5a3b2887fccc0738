import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat, DecodeError } from "../../../core/base/bytes.ts";
import { decodeVarint, encodeVarint } from "../../../core/base/varint.ts";
import { assertStrict } from "../../support/base/arbitraries.ts";

// Every size is as likely as another one, and so are its edges.
const values = fc.oneof(
  fc.nat(63),
  fc.integer({ min: 64, max: 2 ** 14 - 1 }),
  fc.integer({ min: 2 ** 14, max: 2 ** 30 - 1 }),
);

Deno.test("encodeVarint() and decodeVarint() give the examples of RFC 9000, appendix A.1", () => {
  const examples: [string, number][] = [["9d7f3e7d", 494_878_333], ["7bbd", 15_293], ["25", 37]];
  for (const [hex, value] of examples) {
    const bytes = Uint8Array.fromHex(hex);
    assertEquals(encodeVarint(value), bytes);
    assertEquals(decodeVarint(bytes, 0), { value, next: bytes.length });
  }
});

Deno.test("encodeVarint() changes its size at the edges of RFC 9000", () => {
  const edges: [number, string][] = [
    [0, "00"],
    [63, "3f"],
    [64, "4040"],
    [16_383, "7fff"],
    [16_384, "80004000"],
    [2 ** 30 - 1, "bfffffff"],
  ];
  for (const [value, hex] of edges) assertEquals(encodeVarint(value), Uint8Array.fromHex(hex));
  for (const value of [-1, 2 ** 30, 0.5, NaN]) {
    assertThrows(() => encodeVarint(value), RangeError, "Cannot encode varint");
  }
});

Deno.test("decodeVarint() reverses encodeVarint() at any offset", () => {
  fc.assert(fc.property(values, fc.uint8Array(), fc.uint8Array(), (value, before, after) => {
    const encoded = encodeVarint(value);
    assertEquals(decodeVarint(concat(before, encoded, after), before.length), {
      value,
      next: before.length + encoded.length,
    });
  }));
});

Deno.test("decodeVarint() refuses each fault with its own message", () => {
  const faults: [string, string][] = [
    ["", "the input ends before it"],
    ["40", "the input ends inside it"],
    ["800000", "the input ends inside it"],
    ["4025", "not in its minimum size"], // RFC 9000's own second encoding of 37
    ["403f", "not in its minimum size"],
    ["80000000", "not in its minimum size"],
    ["80003fff", "not in its minimum size"],
    ["c2197c5eff14e88c", "larger than 1073741823"],
    ["c000000000000025", "larger than 1073741823"],
  ];
  for (const [hex, message] of faults) {
    assertThrows(
      () => decodeVarint(Uint8Array.fromHex(hex), 0),
      DecodeError,
      `Cannot decode varint: ${message}`,
    );
  }
});

Deno.test("decodeVarint() takes one encoding of a value and gives a DecodeError for any other bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 9 }), (bytes) => {
    const decode = (input: Uint8Array) => {
      const { value, next } = decodeVarint(input, 0);
      return { value, rest: input.slice(next) };
    };
    assertStrict(
      bytes as Uint8Array,
      decode,
      ({ value, rest }: { value: number; rest: Uint8Array }) => concat(encodeVarint(value), rest),
    );
  }));
});
