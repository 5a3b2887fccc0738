import { assertEquals } from "@std/assert";
import { concat, u32, utf8 } from "../../../core/base/bytes.ts";
import type { ClaimRequest } from "../../../core/ledger/claim_request.ts";
import { Committer } from "../../../core/ledger/committer.ts";
import { ALIVE_KEYS } from "../../../core/keys/families.ts";
import { claimId } from "../../../core/ledger/row_ids.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { withEndpoint } from "../../support/store/with_kv_endpoint.ts";
import { setRow } from "../../support/store/rows.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

Deno.test("a store that takes ten checks a commit gets groups of that size, after one refusal", () =>
  withEndpoint(async (endpoint, open) => {
    // All of it waits for the last commit, however long the machine takes.
    const store = storeOver(await open(), { deadlineMs: 60_000 });
    const key = ALIVE_KEYS.key(1);
    const guard = { key, stamp: await setRow(store, key, true) };
    const claimOf = (token: number): ClaimRequest => ({
      id: claimId(1, concat(u32(token), new Uint8Array(12)), 0),
      tag: random(16),
      guard,
      app: "demo",
      day: 20_000,
      record: utf8(`${token}`),
    });
    const committer = new Committer(store, random, { maxInFlight: 4 });
    const tokens = Array.from({ length: 200 }, (_, token) => token);
    endpoint.counts.writes = 0;
    const outcomes = await Promise.all(tokens.map((token) => committer.submit(claimOf(token))));
    assertEquals(new Set(outcomes), new Set(["accepted"]));
    // Groups of 99, 99 and 2, of which two are refused; then there are nine claims and a key in each.
    assertEquals(endpoint.counts.writes, 3 + 198 / 9);
  }));
