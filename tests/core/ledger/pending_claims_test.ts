import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { binaryText } from "../../../core/base/bytes.ts";
import { decodeClaim } from "../../../core/ledger/claim_row.ts";
import { PendingClaims } from "../../../core/ledger/pending_claims.ts";
import { StoreUnavailable } from "../../../core/store/breaker.ts";
import { claimOf, DAY, type Wish } from "../../support/store/committer_bench.ts";

const ALIVE = new Map([1, 2].map((ordinal) => [ordinal, { key: ["a", ordinal], stamp: `stamp ${ordinal}` }]));

function add(pending: PendingClaims, wish: Wish) {
  const request = claimOf({ alive: ALIVE }, wish);
  return pending.add(request, binaryText(request.id), 600);
}

Deno.test("add() makes the row of a claim, which depends on its key", () => {
  const pending = new PendingClaims(1_000);
  const claim = add(pending, { ordinal: 2, tag: 7 });
  assertEquals(claim.key, ["c", claim.request.id]);
  assertEquals(decodeClaim(claim.value), { tag: claim.request.tag, day: DAY, recorded: true });
  assertStrictEquals(claim.guard, ALIVE.get(2));
  assertEquals(decodeClaim(add(pending, { token: 2, record: false }).value)?.recorded, false);
});

Deno.test("a claim takes turns with those of its lane: the uses of its token unless it names another", () => {
  const pending = new PendingClaims(1_000);
  const wishes = [{ token: 1 }, { token: 1, use: 9 }, { token: 2 }, { token: 3, lane: "another" }];
  const [first, second, third, named] = wishes.map((wish) => add(pending, wish).lane);
  assertEquals(first, second);
  assertEquals(first === third, false);
  assertEquals(named, "another");
});

Deno.test("find() knows a claim until it is answered", async () => {
  const pending = new PendingClaims(1_000);
  const [won, lost] = [add(pending, { token: 1 }), add(pending, { token: 2 })];
  assertStrictEquals(pending.find(won.name), won);
  pending.settle(won, { outcome: "accepted", tag: won.request.tag });
  assertEquals(pending.find(won.name), undefined);
  assertEquals(await won.settled, { outcome: "accepted", tag: won.request.tag });
  assertStrictEquals(pending.find(lost.name), lost);
  pending.fail([lost], new StoreUnavailable("failed"));
  assertEquals(pending.find(lost.name), undefined);
  await assertRejects(() => lost.settled, StoreUnavailable);
});

Deno.test("giveUpOld() answers those who have waited for too long, and gives the others", async () => {
  const pending = new PendingClaims(60_000);
  const young = [add(pending, { token: 1 }), add(pending, { token: 2 })];
  assertStrictEquals(pending.giveUpOld(young), young);
  const old = { ...add(pending, { token: 3 }), giveUpAt: performance.now() - 1 };
  assertEquals(pending.giveUpOld([old, ...young]), young);
  const fault = await assertRejects(() => old.settled, StoreUnavailable);
  assertEquals([fault.why, pending.find(old.name)], ["late", undefined]);
});
