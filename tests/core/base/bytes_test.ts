import { assert, assertEquals, assertFalse, assertNotStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  concat,
  DecodeError,
  equalPublic,
  fromBase64url,
  isWellFormed,
  lengthPrefixed,
  toBase64url,
  toHex,
  u16,
  u32,
  u64,
  utf8,
} from "../../../core/base/bytes.ts";
import { assertStrict } from "../../support/base/arbitraries.ts";

Deno.test("concat() joins byte strings into a copy", () => {
  const part = Uint8Array.of(1, 2);
  const joined = concat(part, new Uint8Array(), Uint8Array.of(3));
  assertEquals(joined, Uint8Array.of(1, 2, 3));
  assertEquals(concat(), new Uint8Array());
  assertNotStrictEquals(concat(part).buffer, part.buffer);
});

Deno.test("utf8() refuses a text with a lone surrogate, since two texts would have the same bytes", () => {
  for (const text of ["\ud800", "a\udfff", "\udc00\ud800", "\ud83d\ud83d\ude00"]) {
    assertFalse(isWellFormed(text));
    assertThrows(() => utf8(text), RangeError, "lone surrogate");
  }
  for (const text of ["", "a", "\ud83d\ude00", "\ufffd"]) {
    assert(isWellFormed(text));
    assertEquals(new TextDecoder().decode(utf8(text)), text);
  }
});

Deno.test("u16(), u32() and u64() are big-endian", () => {
  fc.assert(fc.property(fc.nat(0xffff), fc.nat(0xffffffff), fc.maxSafeNat(), (small, middle, large) => {
    const view = new DataView(new ArrayBuffer(14));
    view.setUint16(0, small);
    view.setUint32(2, middle);
    view.setBigUint64(6, BigInt(large));
    assertEquals(concat(u16(small), u32(middle), u64(large)), new Uint8Array(view.buffer));
  }));
  assertEquals(u64(Number.MAX_SAFE_INTEGER), Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255));
});

Deno.test("u16(), u32() and u64() refuse what they cannot hold", () => {
  for (const value of [-1, 0x10000, 1.5, NaN]) assertThrows(() => u16(value), RangeError, "u16");
  for (const value of [-1, 0x100000000, 1.5, NaN]) assertThrows(() => u32(value), RangeError, "u32");
  for (const value of [-1, 2 ** 53, 1.5, NaN]) assertThrows(() => u64(value), RangeError, "u64");
});

Deno.test("lengthPrefixed() writes a u16 length and refuses a longer string", () => {
  assertEquals(lengthPrefixed(utf8("né")), Uint8Array.of(0, 3, 0x6e, 0xc3, 0xa9));
  assertEquals(lengthPrefixed(new Uint8Array(0xffff)).length, 0x10001);
  assertThrows(() => lengthPrefixed(new Uint8Array(0x10000)), RangeError);
});

Deno.test("equalPublic() and toHex() agree with the platform", () => {
  fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
    assertEquals(toHex(a), a.toHex());
    assertEquals(equalPublic(a, b), a.toHex() === b.toHex());
    assert(equalPublic(a, a.slice()));
    assertFalse(equalPublic(a, concat(a, Uint8Array.of(0))));
  }));
});

Deno.test("toBase64url() gives the vectors of RFC 4648 without padding", () => {
  const vectors = ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"];
  vectors.forEach((text, length) => {
    assertEquals(toBase64url(utf8("foobar".slice(0, length))), text);
    assertEquals(fromBase64url(text, length), utf8("foobar".slice(0, length)));
  });
  assertEquals(toBase64url(Uint8Array.of(0xfb, 0xef, 0xff)), "--__");
});

Deno.test("fromBase64url() reverses toBase64url(), which agrees with the platform", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = toBase64url(bytes);
    assertEquals(text, bytes.toBase64({ alphabet: "base64url", omitPadding: true }));
    assertEquals(fromBase64url(text), bytes);
    assertEquals(fromBase64url(text, bytes.length), bytes);
  }));
});

Deno.test("fromBase64url() refuses each fault with its own message", () => {
  const faults: [string, number | undefined, string][] = [
    ["Zg==", undefined, "padding is not allowed"],
    ["=", undefined, "padding is not allowed"],
    ["Zm+v", undefined, "a character is outside the alphabet"],
    ["Zm/v", undefined, "a character is outside the alphabet"],
    ["Zm 9", undefined, "a character is outside the alphabet"],
    ["Zm9v\n", undefined, "a character is outside the alphabet"],
    ["Zm9é", undefined, "a character is outside the alphabet"],
    ["A", undefined, "no byte string has this length"],
    ["AAAAA", undefined, "no byte string has this length"],
    ["Zh", undefined, "trailing bits are not zero"],
    ["Zm9", undefined, "trailing bits are not zero"],
    ["Zm9v", 2, "3 bytes instead of 2"],
    ["", 32, "0 bytes instead of 32"],
  ];
  for (const [text, length, message] of faults) {
    assertThrows(() => fromBase64url(text, length), DecodeError, `Cannot decode base64url: ${message}`);
  }
});

Deno.test("fromBase64url() gives one byte string for one text, and a DecodeError for any other text", () => {
  fc.assert(fc.property(fc.uint16Array().map((units) => String.fromCharCode(...units)), (text) => {
    assertStrict(text, fromBase64url, toBase64url);
  }));
  fc.assert(fc.property(fc.stringMatching(/^[A-Za-z0-9_=+/-]{0,12}$/), (text) => {
    assertStrict(text, fromBase64url, toBase64url);
  }));
});
