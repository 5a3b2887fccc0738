import { assertEquals } from "@std/assert";
import { CLAIMS } from "../../../core/ledger/families.ts";
import { claimId, useDigest } from "../../../core/ledger/row_ids.ts";

Deno.test("useDigest() leaves nothing in common among the claims of one token but the key's ordinal", () => {
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  const ids = Array.from({ length: 1_024 }, (_, use) => claimId(7, useDigest(nonce, use), use));
  // Eight bytes anywhere: equal by chance once in 2^45 runs.
  for (let from = 4; from + 8 <= 20; from++) {
    assertEquals(new Set(ids.map((id) => id.subarray(from, from + 8).toHex())).size, ids.length);
  }
  assertEquals(new Set(ids.map((id) => id.length)), new Set([22]));
  assertEquals(CLAIMS.key(ids[3]!), ["c", ids[3]!]);
});

Deno.test("useDigest() names one use of one token", () => {
  const [nonce, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  assertEquals(useDigest(nonce, 5), useDigest(nonce.slice(), 5));
  assertEquals(
    new Set([useDigest(nonce, 5), useDigest(nonce, 6), useDigest(other, 5)].map((digest) => digest.toHex()))
      .size,
    3,
  );
});
