import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { utf8 } from "../../../core/base/bytes.ts";
import { Refusal } from "../../../core/base/errors.ts";
import type { ClaimOutcome } from "../../../core/ledger/claim_request.ts";
import { decodeClaim } from "../../../core/ledger/claim_row.ts";
import { Committer } from "../../../core/ledger/committer.ts";
import { ALIVE_KEYS } from "../../../core/keys/families.ts";
import { CLAIMS, LOG_ROWS } from "../../../core/ledger/families.ts";
import { splitLines } from "../../../core/ledger/pack_records.ts";
import {
  APP,
  type Bench,
  claimOf,
  countRows,
  DAY,
  range,
  refusalCode,
  storedRecords,
  submitAll,
  type Wish,
  withCommitter,
} from "../../support/store/committer_bench.ts";
import type { CommitFault } from "../../support/store/faulty_kv.ts";
import { platformRandom } from "../../support/service/keys.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import { deleteRow } from "../../support/store/rows.ts";

Deno.test("submit() commits at once when nothing is under way", () =>
  withCommitter({}, async (bench) => {
    assertEquals(await submitAll(bench, [{ token: 7 }]), ["accepted"]);
    assertEquals(bench.faulty.counts.commits, 1);
    assertEquals(await storedRecords(bench), ["1/7/0/0"]);
    const [claim] = await Array.fromAsync(bench.store.list<Uint8Array>(CLAIMS.all()));
    assertEquals(decodeClaim(claim!.value), { tag: new Uint8Array(16), day: DAY, recorded: true });
  }));

Deno.test("submit() groups what arrives together, within KV's limits", () =>
  withCommitter({}, async (bench) => {
    const outcomes = await submitAll(bench, range(500).map((token) => ({ token, ordinal: 1 + token % 3 })));
    assertEquals(outcomes.filter((outcome) => outcome === "accepted").length, 500);
    assertEquals((await storedRecords(bench)).length, 500);
    // At most 100 checks in each, three of which are for the keys.
    assertEquals(bench.faulty.counts.commits, Math.ceil(500 / 97));
    assertEquals(await countRows(bench, LOG_ROWS.prefix(APP, DAY)), Math.ceil(500 / 97));
  }));

Deno.test("submit() fits large records into commits and rows", () =>
  withCommitter({}, async (bench) => {
    const record = new Uint8Array(60 * 1024).fill(0x61);
    const outcomes = await submitAll(bench, range(40).map((token) => ({ token, record })));
    assertEquals(new Set(outcomes), new Set(["accepted"]));
    assertEquals((await storedRecords(bench)).map((text) => text.length), range(40).map(() => record.length));
  }));

Deno.test("submit() claims without a record where another server keeps it", () =>
  withCommitter({}, async (bench) => {
    assertEquals(await submitAll(bench, [{ record: false }]), ["accepted"]);
    assertEquals(await storedRecords(bench), []);
    const [claim] = await Array.fromAsync(bench.store.list<Uint8Array>(CLAIMS.all()));
    assertEquals(decodeClaim(claim!.value)?.recorded, false);
  }));

Deno.test("submit() accepts one of a hundred that claim the same use at once", () =>
  withCommitter({}, async (bench) => {
    const outcomes = await submitAll(bench, range(100).map((index) => ({ tag: index % 4 })));
    const counts = Object.groupBy(outcomes, (outcome) => outcome);
    assertEquals([counts.accepted?.length, counts.replayed?.length, counts.taken?.length], [1, 24, 75]);
    assertEquals(await storedRecords(bench), ["1/0/0/0"]);
    assertEquals(bench.faulty.counts.commits, 1);
  }));

Deno.test("submit() answers known claims without the store", () =>
  withCommitter({}, async (bench) => {
    await submitAll(bench, [{}]);
    bench.faulty.fault = () => "throw";
    assertEquals(await submitAll(bench, [{}, { tag: 1 }]), ["replayed", "taken"]);
    assertEquals(bench.faulty.counts.commits, 1);
  }));

Deno.test("submit() answers claims of another process from the store", () =>
  withCommitter({}, async (bench) => {
    await bench.another().submit(claimOf(bench, { tag: 5 }));
    assertEquals(await submitAll(bench, [{ tag: 6 }]), ["taken"]);
    assertEquals(await bench.another().submit(claimOf(bench, { tag: 5 })), "replayed");
    assertEquals(await storedRecords(bench), ["1/0/0/5"]);
  }));

Deno.test("submit() claims nothing under a key that has ended", () =>
  withCommitter({}, async (bench) => {
    await deleteRow(bench.store, ALIVE_KEYS.key(2));
    assertEquals(await submitAll(bench, [{ ordinal: 2 }]), ["key_over"]);
    assertEquals(await storedRecords(bench), []);
    assertEquals(await countRows(bench, CLAIMS.all()), 0);
  }));

Deno.test("a group goes through without the claims that it could not have, in one more commit", () =>
  withCommitter({}, async (bench) => {
    const before = bench.another();
    await Promise.all(range(10).map((token) => before.submit(claimOf(bench, { token, tag: 1 }))));
    await deleteRow(bench.store, ALIVE_KEYS.key(3));
    bench.faulty.counts.commits = 0;
    const outcomes = await submitAll(bench, [
      ...range(5).map((token) => ({ token, tag: 1 })),
      ...range(5).map((index) => ({ token: 5 + index, tag: 2 })),
      ...range(5).map((index) => ({ token: 100 + index, ordinal: 3 })),
      ...range(40).map((index) => ({ token: 200 + index })),
    ]);
    assertEquals(outcomes, [
      ...range(5).map(() => "replayed" as const),
      ...range(5).map(() => "taken" as const),
      ...range(5).map(() => "key_over" as const),
      ...range(40).map(() => "accepted" as const),
    ]);
    assertEquals(bench.faulty.counts.commits, 2);
    assertEquals((await storedRecords(bench)).length, 10 + 40);
  }));

Deno.test("replaying on purpose costs the others no further commit", () =>
  withCommitter({}, async (bench) => {
    await bench.another().submit(claimOf(bench, { token: 1 }));
    await submitAll(bench, [{ token: 1 }]);
    bench.faulty.counts.commits = 0;
    await submitAll(bench, range(300).map((index) => index % 2 === 0 ? { token: 1 } : { token: 10 + index }));
    assertLessOrEqual(bench.faulty.counts.commits, 3);
  }));

Deno.test("a request that KV throws on does not take its group with it", () =>
  withCommitter({}, async (bench) => {
    const poison = { token: 50, record: new Uint8Array(70 * 1024) };
    const poisoned = refusalCode(bench.committer.submit(claimOf(bench, poison)));
    const outcomes = await submitAll(bench, range(20).map((token) => ({ token })));
    assertEquals(await poisoned, "store_unavailable");
    assertEquals(outcomes, range(20).map(() => "accepted"));
    assertEquals((await storedRecords(bench)).length, 20);
  }));

Deno.test("a commit that lands and throws is known by a read-back, its records are there once", () =>
  withCommitter({}, async (bench) => {
    bench.faulty.fault = (commit) => commit === 0 ? "land and throw" : "none";
    assertEquals(await submitAll(bench, [{ token: 3 }]), ["replayed"]);
    assertEquals(await storedRecords(bench), ["1/3/0/0"]);
  }));

Deno.test("a write that was sent twice counts once", () =>
  withCommitter({}, async (bench) => {
    bench.faulty.fault = () => "land and say no";
    const outcomes = await submitAll(bench, range(30).map((token) => ({ token })));
    assertEquals(new Set(outcomes), new Set(["replayed"]));
    assertEquals((await storedRecords(bench)).length, 30);
  }));

Deno.test("a check that fails for no reason is tried again", () =>
  withCommitter({}, async (bench) => {
    bench.faulty.fault = (commit) => commit < 5 ? "say no" : "none";
    assertEquals(await submitAll(bench, [{}]), ["accepted"]);
  }));

Deno.test("a store that throws is given up on, and nothing is kept of the request", () =>
  withCommitter({}, async (bench) => {
    bench.faulty.fault = () => "throw";
    const refusals = range(150).map((token) =>
      refusalCode(bench.committer.submit(claimOf(bench, { token })))
    );
    assertEquals(new Set(await Promise.all(refusals)), new Set(["store_unavailable"]));
    await bench.committer.drain();
    assertEquals(bench.committer.waiting, 0);
    bench.faulty.fault = () => "none";
    assertEquals(await submitAll(bench, [{ token: 0 }]), ["accepted"]);
    assertEquals(await storedRecords(bench), ["1/0/0/0"]);
  }));

Deno.test("a late commit is answered in time; the same bytes again are its replay", () =>
  withCommitter({ deadlineMs: 2_000 }, async (bench) => {
    bench.faulty.fault = (commit) => commit === 0 ? "hang" : "none";
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, {}))), "store_unavailable");
    assertEquals(await storedRecords(bench), []);
    await bench.faulty.settle();
    assertEquals(await submitAll(bench, [{}, { tag: 9 }]), ["replayed", "taken"]);
    assertEquals(await storedRecords(bench), ["1/0/0/0"]);
  }));

Deno.test("the same bytes again overtake a late commit, and the record is there once", () =>
  withCommitter({ deadlineMs: 2_000 }, async (bench) => {
    bench.faulty.fault = (commit) => commit === 0 ? "hang" : "none";
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, {}))), "store_unavailable");
    assertEquals(await submitAll(bench, [{}]), ["accepted"]);
    await bench.faulty.settle();
    assertEquals(await storedRecords(bench), ["1/0/0/0"]);
  }));

Deno.test("those who wait for another's claim hear of its failure too", () =>
  withCommitter({ deadlineMs: 30 }, async (bench) => {
    bench.faulty.fault = () => "land and hang";
    const codes = await Promise.all(
      range(3).map((tag) => refusalCode(bench.committer.submit(claimOf(bench, { tag })))),
    );
    assertEquals(codes, range(3).map(() => "store_unavailable"));
    assertEquals(bench.committer.waiting, 0);
  }));

Deno.test("a store that hangs is soon sent nothing more, and used again when it answers", () =>
  withCommitter({ deadlineMs: 20, maxInFlight: 4 }, async (bench) => {
    bench.faulty.fault = () => "land and hang";
    let refusedAtOnce = 0;
    const startedAt = performance.now();
    for (const token of range(600)) {
      try {
        bench.committer.admit();
      } catch (error) {
        assertEquals((error as Refusal).code, "store_unavailable");
        refusedAtOnce++;
        continue;
      }
      bench.committer.submit(claimOf(bench, { token })).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await bench.committer.drain();
    assertGreater(refusedAtOnce, 0);
    // Eight that were given up on, those that were under way then, and trials after 250 ms, 500 ms and so on.
    const trials = Math.ceil(Math.log2(1 + (performance.now() - startedAt) / 250));
    assertLessOrEqual(bench.faulty.counts.unanswered, 8 + 4 + trials);
    assertEquals(bench.committer.waiting, 0);
    bench.faulty.fault = () => "none";
    await bench.faulty.settle();
    // Of two tries on a busy machine the first one may have been late, and landed.
    const outcome = await sendUntilKnown(bench, bench.committer, { token: 10_000 });
    assert(["accepted", "replayed"].includes(outcome), outcome);
  }));

Deno.test("reads that hang after a failed check are given up on", () =>
  withCommitter({ deadlineMs: 30 }, async (bench) => {
    await new Committer(bench.store, platformRandom).submit(claimOf(bench, { tag: 1 }));
    bench.faulty.readsHang = true;
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, {}))), "store_unavailable");
  }));

Deno.test("no token crowds out another", () =>
  withCommitter({}, async (bench) => {
    const order: string[] = [];
    const submit = async (name: string, wish: Wish) => {
      await bench.committer.submit(claimOf(bench, wish));
      order.push(name);
    };
    const greedy = range(1_000).map((use) => submit("greedy", { token: 1, use }));
    const modest = submit("modest", { token: 2 });
    await modest;
    // The modest one is in the first group.
    assertLessOrEqual(order.length, 100);
    await Promise.all(greedy);
  }));

Deno.test("submit() refuses what would wait beyond the bounds", async () => {
  await withCommitter({ maxWaiting: 10 }, async (bench) => {
    bench.faulty.fault = () => "hang";
    const waiting = range(10).map((token) => bench.committer.submit(claimOf(bench, { token })));
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, { token: 11 }))), "overloaded");
    // Those that wait for a claim under way take room too.
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, { token: 1 }))), "overloaded");
    bench.faulty.fault = () => "none";
    await bench.faulty.settle();
    assertEquals(new Set(await Promise.all(waiting)), new Set(["accepted"]));
    bench.committer.admit();
  });
  await withCommitter({ maxWaitingBytes: 100_000 }, async (bench) => {
    bench.faulty.fault = () => "hang";
    const record = new Uint8Array(50_000);
    const waiting = range(2).map((tag) => bench.committer.submit(claimOf(bench, { tag, record })));
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, { token: 1 }))), "overloaded");
    await bench.faulty.settle();
    assertEquals(await Promise.all(waiting), ["accepted", "taken"]);
    bench.committer.admit();
  });
});

Deno.test("drain() waits for all that was taken", () =>
  withCommitter({}, async (bench) => {
    await bench.committer.drain();
    const outcomes = submitAll(bench, range(300).map((token) => ({ token })));
    await bench.committer.drain();
    assertEquals((await storedRecords(bench)).length, 300);
    assertEquals(new Set(await outcomes), new Set(["accepted"]));
  }));

Deno.test("the order within a row says nothing about the order of arrival", () =>
  withCommitter({}, async (bench) => {
    await submitAll(bench, range(60).map((token) => ({ token, record: utf8(String(token)) })));
    const [row] = await Array.fromAsync(bench.store.list<Uint8Array>(LOG_ROWS.prefix(APP, DAY)));
    const order = splitLines(row!.value).map((line) => Number(new TextDecoder().decode(line)));
    assert(
      order.some((token, index) => token !== index),
      "sixty records stand in the order of their arrival",
    );
  }));

/** One client that sends the same bytes until it is told what became of them. */
async function sendUntilKnown(bench: Bench, committer: Committer, wish: Wish): Promise<ClaimOutcome> {
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    try {
      return await committer.submit(claimOf(bench, wish));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      assert(["store_unavailable", "overloaded"].includes(error.code), error.code);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  throw new Error("never answered");
}

const FAULTS: CommitFault[] = [
  "throw",
  "land and throw",
  "land and say no",
  "say no",
  "land and hang",
  "hang",
];

for (const seed of range(12)) {
  Deno.test(`every use is claimed once with its record, whatever the store does (seed ${seed})`, () =>
    withCommitter({ deadlineMs: 25 }, async (bench) => {
      const { uint32 } = seededRandom(seed);
      bench.faulty.fault = () => uint32() % 3 === 0 ? FAULTS[uint32() % FAULTS.length]! : "none";
      const releasing = setInterval(() => bench.faulty.release(), 40);
      // Three processes, small memories, many clients that want the same few uses.
      const processes = range(3).map((index) =>
        bench.another({ maxInFlight: 1 + index, maxRecent: 20, maxWaiting: 60 })
      );
      const wishes = range(400).map((): Wish => ({
        token: uint32() % 6,
        use: uint32() % 8,
        tag: uint32() % 4,
        ordinal: 1 + uint32() % 2,
      }));
      const outcomes = await Promise.all(wishes.map(async (wish, index) => {
        await new Promise((resolve) => setTimeout(resolve, uint32() % 60));
        return await sendUntilKnown(bench, processes[index % 3]!, wish);
      }));
      clearInterval(releasing);
      await Promise.all(processes.map((committer) => committer.drain()));
      await bench.faulty.settle();

      const winners = new Map<string, number>();
      for await (const { key, value } of bench.store.list<Uint8Array>(CLAIMS.all())) {
        const id = key[1] as Uint8Array;
        const view = new DataView(id.buffer, id.byteOffset);
        const tag = new DataView(value.buffer, value.byteOffset).getUint32(0);
        winners.set(`${view.getUint32(0)}/${view.getUint32(4)}/${view.getUint16(20)}`, tag);
      }
      const wanted = new Set(wishes.map(({ ordinal, token, use }) => `${ordinal}/${token}/${use}`));
      assertEquals(new Set(winners.keys()), wanted);
      // One record for each claim, and it is the winner's.
      assertEquals(await storedRecords(bench), [...winners].map(([use, tag]) => `${use}/${tag}`).sort());
      const acceptedOf = new Map<string, number>();
      for (const [index, { ordinal, token, use, tag }] of wishes.entries()) {
        const name = `${ordinal}/${token}/${use}`;
        assertEquals(outcomes[index] === "taken", winners.get(name) !== tag, name);
        if (outcomes[index] === "accepted") acceptedOf.set(name, (acceptedOf.get(name) ?? 0) + 1);
      }
      for (const count of acceptedOf.values()) assertEquals(count, 1);
    }));
}
