import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { toHex } from "../../../core/base/bytes.ts";
import { deriveNonce } from "../../../core/token/nonce.ts";

const counted = (length: number, from = 0) => Uint8Array.from({ length }, (_, index) => from + index);

Deno.test("deriveNonce() makes the nonces of docs/protocol.md, section 3", async () => {
  const vectors = [
    [
      new Uint8Array(32),
      new Uint8Array(16),
      "8bcc55e3340045cb7363ff3061b8d3e940991f6a84729bd72d087369f2e5a75b",
    ],
    [counted(32), counted(16, 0x20), "59393b8a383cce376e2a8ed18a5f0ce73bbabd3071eae1f6fda61300c31962df"],
  ] as const;
  const text = await Deno.readTextFile(new URL("../../../docs/protocol.md", import.meta.url));
  for (const [binding, pseudonym, nonce] of vectors) {
    assertEquals(toHex(deriveNonce(binding, pseudonym)), nonce);
    assertEquals(text.includes(nonce), true, nonce);
  }
});

Deno.test("deriveNonce() gives another nonce when any byte of either part is another", () => {
  const of = (at: number) => {
    const parts = counted(48);
    if (at >= 0) parts[at] = 0xff;
    return toHex(deriveNonce(parts.subarray(0, 32), parts.subarray(32)));
  };
  for (let at = 0; at < 48; at++) assertNotEquals(of(at), of(-1), `byte ${at}`);
});

Deno.test("deriveNonce() takes no part of another length: a byte could move from one to the other", () => {
  for (const [binding, pseudonym] of [[31, 17], [33, 15], [32, 15], [32, 17], [0, 16], [32, 0]] as const) {
    assertThrows(() => deriveNonce(counted(binding), counted(pseudonym)), RangeError, "length");
  }
});
