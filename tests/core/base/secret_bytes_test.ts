import { assertEquals, assertNotEquals } from "@std/assert";
import { utf8 } from "../../../core/base/bytes.ts";
import { secretBytes } from "../../../core/base/secret_bytes.ts";

const BYTES = new Uint8Array(32).fill(251);
const BASE64 = BYTES.toBase64();

Deno.test("secretBytes() takes text as it stands, and base64 only behind its name", () => {
  assertEquals(secretBytes("schlüssel"), utf8("schlüssel"));
  assertEquals(secretBytes(""), new Uint8Array());
  assertEquals(secretBytes(BASE64), utf8(BASE64));
  assertEquals(secretBytes(`base64:${BASE64}`), BYTES);
  assertEquals(secretBytes(`BASE64:${BASE64}`), utf8(`BASE64:${BASE64}`));
});

Deno.test("secretBytes() reads base64 strictly", () => {
  const urlSafe = BYTES.toBase64({ alphabet: "base64url" });
  assertNotEquals(urlSafe, BASE64);
  const loose = [
    BASE64.replace("=", ""),
    `${BASE64}\n`,
    ` ${BASE64}`,
    `${BASE64.slice(0, 20)} ${BASE64.slice(20)}`,
    urlSafe,
    // The last bits before the padding are not zero.
    "AAB=",
    "hex:00",
    "ä",
  ];
  for (const text of loose) assertEquals(secretBytes(`base64:${text}`), undefined, text);
});
