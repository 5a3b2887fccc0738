import { assertEquals, assertThrows } from "@std/assert";
import { takeBase64url, takeBytes, takeUtf8 } from "../../../core/base/byte_slab.ts";
import { DecodeError, fromBase64url, isBase64url, utf8 } from "../../../core/base/bytes.ts";
import { systemRandom } from "../../support/service/assembled.ts";

Deno.test("bytes that were taken are zeros and nobody else's, over many buffers", () => {
  const lengths = [0, 1, 22, 300, 40_000, 64 * 1024, 100_000];
  const taken = Array.from({ length: 2_000 }, (_, at) => {
    const bytes = takeBytes(lengths[at % lengths.length] ?? 0);
    assertEquals(bytes.every((byte) => byte === 0), true);
    bytes.fill(at);
    return bytes;
  }).filter((_, at) => at % 50 < 7);
  for (const bytes of taken) assertEquals(new Set(bytes).size, bytes.length === 0 ? 0 : 1);
});

Deno.test("a text that was taken is its UTF-8, and what comes behind it does not touch it", () => {
  const texts = ["", "a", "é", "😀", "x".repeat(70_000), "語".repeat(30_000), '{"v":2}'];
  const taken = texts.map((text) => {
    const bytes = takeUtf8(text);
    takeBytes(7).fill(0xff);
    return bytes;
  });
  assertEquals(taken.map((bytes) => bytes.slice()), texts.map(utf8));
});

Deno.test("base64url is taken, and found to be it, exactly where it is decoded", () => {
  for (let length = 0; length < 40; length++) {
    const text = systemRandom(length).toBase64({ alphabet: "base64url", omitPadding: true });
    assertEquals(takeBase64url(text, length), fromBase64url(text, length));
    assertEquals(isBase64url(text, length), true);
    const others = [
      `${text}A`,
      `${text}=`,
      text.slice(1),
      `!${text.slice(1)}`,
      `${text.slice(0, -1)}_`,
      `${text}\n`,
    ];
    for (const other of others) {
      const decodes = isDecoded(other, length);
      assertEquals([other, isBase64url(other, length)], [other, decodes]);
      if (!decodes) assertThrows(() => takeBase64url(other, length), DecodeError);
    }
  }
});

function isDecoded(text: string, length: number): boolean {
  try {
    fromBase64url(text, length);
    return true;
  } catch {
    return false;
  }
}
