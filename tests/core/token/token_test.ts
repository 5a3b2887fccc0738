import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat, DecodeError, toHex } from "../../../core/base/bytes.ts";
import {
  decodeTokenInput,
  encodeTokenInput,
  TOKEN_INPUT_LENGTH,
  tokenKeyId,
  truncatedKeyId,
} from "../../../core/token/token.ts";
import { bytesOf } from "../../support/base/arbitraries.ts";

const inputs = fc.record({
  tokenType: fc.nat(0xffff),
  nonce: bytesOf(32),
  challengeDigest: bytesOf(32),
  tokenKeyId: bytesOf(32),
});

Deno.test("encodeTokenInput() lays out type, nonce, challenge digest and key id in 98 bytes", () => {
  const part = (byte: number) => new Uint8Array(32).fill(byte);
  const encoded = encodeTokenInput({
    tokenType: 5,
    nonce: part(1),
    challengeDigest: part(2),
    tokenKeyId: part(3),
  });
  assertEquals(encoded, concat(Uint8Array.of(0, 5), part(1), part(2), part(3)));
  assertEquals(encoded.length, TOKEN_INPUT_LENGTH);
  assertEquals(TOKEN_INPUT_LENGTH, 98);
});

Deno.test("decodeTokenInput() reverses encodeTokenInput()", () => {
  fc.assert(fc.property(inputs, (input) => {
    assertEquals(decodeTokenInput(encodeTokenInput(input)), input);
  }));
  fc.assert(fc.property(bytesOf(TOKEN_INPUT_LENGTH), (bytes) => {
    assertEquals(encodeTokenInput(decodeTokenInput(bytes)), bytes);
  }));
});

Deno.test("decodeTokenInput() refuses every other length", () => {
  for (const length of [0, 1, 97, 99, 162]) {
    assertThrows(
      () => decodeTokenInput(new Uint8Array(length)),
      DecodeError,
      `Cannot decode token input: length ${length} is not 98`,
    );
  }
});

Deno.test("encodeTokenInput() refuses a part that has not 32 bytes", () => {
  const good = {
    tokenType: 5,
    nonce: new Uint8Array(32),
    challengeDigest: new Uint8Array(32),
    tokenKeyId: new Uint8Array(32),
  };
  // A byte moved from one part to the next would otherwise give the bytes of another token.
  for (const name of ["nonce", "challengeDigest", "tokenKeyId"] as const) {
    for (const length of [0, 31, 33]) {
      assertThrows(
        () => encodeTokenInput({ ...good, [name]: new Uint8Array(length) }),
        RangeError,
        `a part has ${length} bytes, not 32`,
      );
    }
  }
});

Deno.test("tokenKeyId() is SHA-256 of the public key, and truncatedKeyId() its last byte", () => {
  const id = tokenKeyId(new Uint8Array(32).fill(0x33));
  assertEquals(toHex(id), "deb0e38ced1e41de6f92e70e80c418d2d356afaaa99e26f5939dbc7d3ef4772a");
  assertEquals(truncatedKeyId(id), 0x2a);
});
