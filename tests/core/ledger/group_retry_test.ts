import { assertEquals } from "@std/assert";
import { GroupRetry } from "../../../core/ledger/group_retry.ts";
import {
  type Bench,
  claimOf,
  groupParts,
  range,
  refusalCode,
  storedRecords,
  withCommitter,
} from "../../support/store/committer_bench.ts";

function retryOf(bench: Bench) {
  const parts = groupParts(bench);
  return { ...parts, retry: new GroupRetry({ ...parts, limit: parts.claims }) };
}

Deno.test("settle() writes a group again without those who lost, until each is answered", () =>
  withCommitter({}, async (bench) => {
    const { retry, add } = retryOf(bench);
    await bench.another().submit(claimOf(bench, { token: 1, tag: 1 }));
    bench.faulty.counts.commits = 0;
    const group = range(3).map((token) => add({ token }));
    assertEquals(await retry.settle(group), []);
    const outcomes = await Promise.all(group.map(({ settled }) => settled));
    assertEquals(outcomes.map(({ outcome }) => outcome), ["accepted", "taken", "accepted"]);
    assertEquals(bench.faulty.counts.commits, 2);
  }));

Deno.test("what is late is answered at once, and not sent again", () =>
  withCommitter({ deadlineMs: 20 }, async (bench) => {
    const { retry, add } = retryOf(bench);
    bench.faulty.fault = () => "hang";
    const group = range(3).map((token) => ({ ...add({ token }), giveUpAt: Infinity }));
    const codes = group.map(({ settled }) => refusalCode(settled));
    assertEquals(await retry.settle(group), []);
    assertEquals(await Promise.all(codes), range(3).map(() => "store_unavailable"));
    assertEquals(bench.faulty.counts.commits, 1);
  }));

Deno.test("nothing is sent for those who have waited for too long", () =>
  withCommitter({}, async (bench) => {
    const { retry, add } = retryOf(bench);
    const old = { ...add({ token: 1 }), giveUpAt: performance.now() - 1 };
    const young = add({ token: 2 });
    const code = refusalCode(old.settled);
    assertEquals(await retry.settle([old, young]), []);
    assertEquals([await code, (await young.settled).outcome], ["store_unavailable", "accepted"]);
    assertEquals(await storedRecords(bench), ["1/2/0/0"]);
  }));

Deno.test("a group that the store takes only in parts is given back, unanswered", () =>
  withCommitter({}, async (bench) => {
    const { retry, pending, claims, add } = retryOf(bench);
    bench.faulty.fault = (commit) => commit === 0 ? "throw" : "none";
    bench.faulty.message = "too many checks (max 10)";
    const group = range(20).map((token) => add({ token }));
    assertEquals(await retry.settle(group), group);
    assertEquals(group.map(({ name }) => pending.find(name)), group);
    assertEquals([claims.fits(9, 1, 0), claims.fits(10, 1, 0)], [true, false]);
    assertEquals(await retry.settle(group.slice(0, 9)), []);
    assertEquals((await storedRecords(bench)).length, 9);
    assertEquals(bench.faulty.counts.commits, 2);
  }));

Deno.test("of a group that throws each claim is tried by itself, until three in a row have thrown", () =>
  withCommitter({}, async (bench) => {
    const { retry, add } = retryOf(bench);
    const poison = new Uint8Array(70 * 1024);
    const isPoison = (token: number) => token === 1 || token >= 3;
    const group = range(8).map((token) => add(isPoison(token) ? { token, record: poison } : { token }));
    const outcomes = Promise.allSettled(group.map(({ settled }) => settled));
    assertEquals(await retry.settle(group), []);
    assertEquals(
      (await outcomes).map(({ status }) => status),
      range(8).map((token) => isPoison(token) ? "rejected" : "fulfilled"),
    );
    // Three for all, then one for each of the two, three for each of four, and none for the last two.
    assertEquals(bench.faulty.counts.commits, 3 + 2 + 4 * 3);
    assertEquals(await storedRecords(bench), ["1/0/0/0", "1/2/0/0"]);
  }));
