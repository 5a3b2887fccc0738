import { assertEquals } from "@std/assert";
import { decodeClaim, encodeClaim } from "../../../core/ledger/claim_row.ts";
import { platformRandom } from "../../support/service/keys.ts";

Deno.test("a claim's row is its tag, the day and whether there is a record, in 21 bytes", () => {
  const tag = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
  const row = encodeClaim({ tag, day: 20_000, recorded: true });
  assertEquals(row.toHex(), "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" + "00004e20" + "01");
  assertEquals(encodeClaim({ tag, day: 0xffff_ffff, recorded: false }).toHex().slice(32), "ffffffff00");
});

Deno.test("decodeClaim() reads what encodeClaim() wrote, wherever the bytes lie", () => {
  for (const recorded of [true, false]) {
    const claim = { tag: platformRandom(16), day: 20_000, recorded };
    const row = encodeClaim(claim);
    assertEquals(decodeClaim(row), claim);
    const buffer = new Uint8Array(40);
    buffer.set(row, 7);
    assertEquals(decodeClaim(buffer.subarray(7, 28)), claim);
  }
});

Deno.test("decodeClaim() reads nothing else", () => {
  const row = encodeClaim({ tag: platformRandom(16), day: 20_000, recorded: true });
  for (const value of [null, "row", row.slice(1), new Uint8Array(22), row.with(20, 2), [...row]]) {
    assertEquals(decodeClaim(value), undefined);
  }
});
