import { assertEquals, assertThrows } from "@std/assert";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, utf8 } from "../../../core/base/bytes.ts";
import { hmacSha256 } from "../../../core/base/hmac.ts";
import { seededRandom } from "../voprf/suites.ts";

/** RFC 4231, section 4: the cases whose key fits a block and whose output is whole. */
const CASES: readonly (readonly [Uint8Array, Uint8Array, string])[] = [
  [
    new Uint8Array(20).fill(0x0b),
    utf8("Hi There"),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    utf8("Jefe"),
    utf8("what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    new Uint8Array(20).fill(0xaa),
    new Uint8Array(50).fill(0xdd),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  ],
  [
    Uint8Array.from({ length: 25 }, (_, index) => index + 1),
    new Uint8Array(50).fill(0xcd),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
  ],
];

Deno.test("hmacSha256() gives the vectors of RFC 4231", () => {
  for (const [key, message, expected] of CASES) assertEquals(toHex(hmacSha256(key, message)), expected);
});

Deno.test("hmacSha256() agrees with noble for every length of key, and about every length of message", () => {
  const random = seededRandom("hmac");
  for (let length = 0; length <= 64; length++) {
    const key = random(length);
    const message = random(length * 5);
    assertEquals(hmacSha256(key, message), hmac(sha256, key, message));
  }
});

Deno.test("hmacSha256() refuses a key that is longer than a block", () => {
  assertThrows(() => hmacSha256(new Uint8Array(65), new Uint8Array(1)), RangeError);
});
