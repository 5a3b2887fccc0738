import { assertEquals, assertLessOrEqual } from "@std/assert";
import { decodeClaim } from "../../../core/ledger/claim_row.ts";
import { ALIVE_KEYS } from "../../../core/keys/families.ts";
import { CLAIMS, LOG_ROWS } from "../../../core/ledger/families.ts";
import {
  APP,
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
import { deleteRow, setRow } from "../../support/store/rows.ts";

// What these tests count must not depend on how busy the machine is.
const PATIENT = { deadlineMs: 60_000 };

Deno.test("a group counts a check for each of its keys", () =>
  withCommitter(PATIENT, async (bench) => {
    const outcomes = await submitAll(bench, [...range(98).map((token) => ({ token })), { ordinal: 2 }]);
    assertEquals(new Set(outcomes), new Set(["accepted"]));
    // With the second key the hundredth and the hundred-first check would come.
    assertEquals(bench.faulty.counts.commits, 2);
  }));

Deno.test("a group ends before its records are too many for a commit", () =>
  withCommitter(PATIENT, async (bench) => {
    const record = new Uint8Array(60 * 1024).fill(0x61);
    await submitAll(bench, range(40).map((token) => ({ token, record })));
    assertEquals(bench.faulty.counts.commits, 4);
  }));

Deno.test("a record that no commit could take is refused, and holds up nobody", () =>
  withCommitter(PATIENT, async (bench) => {
    const huge = refusalCode(bench.committer.submit(claimOf(bench, { record: new Uint8Array(700 * 1024) })));
    assertEquals(await submitAll(bench, [{ token: 1 }]), ["accepted"]);
    assertEquals(await huge, "store_unavailable");
  }));

Deno.test("requests without a record take room as well", () =>
  withCommitter({ ...PATIENT, maxWaitingBytes: 1_000 }, async (bench) => {
    bench.faulty.fault = () => "hang";
    const waiting = submitAll(bench, range(2).map((token) => ({ token, record: false })));
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, { token: 2 }))), "overloaded");
    await bench.faulty.settle();
    assertEquals(await waiting, ["accepted", "accepted"]);
  }));

Deno.test("requests of one lane wait for each other, whatever they claim", () =>
  withCommitter(PATIENT, async (bench) => {
    let settled = 0;
    const greedy = range(300).map((token) =>
      bench.committer.submit(claimOf(bench, { token, lane: "greedy" })).then(() => settled++)
    );
    await bench.committer.submit(claimOf(bench, { token: 1_000, lane: "modest" }));
    assertLessOrEqual(settled, 100);
    await Promise.all(greedy);
  }));

Deno.test("all who waited for a store that hangs are refused in time, and nothing is written for them later", () =>
  withCommitter({ deadlineMs: 300 }, async (bench) => {
    bench.faulty.fault = () => "hang";
    const codes = range(300).map((token) => refusalCode(bench.committer.submit(claimOf(bench, { token }))));
    assertEquals(new Set(await Promise.all(codes)), new Set(["store_unavailable"]));
    await bench.committer.drain();
    assertEquals(bench.faulty.counts.commits, 1);
  }));

Deno.test("a check that fails for no reason all the time is given up on", () =>
  withCommitter({ deadlineMs: 100 }, async (bench) => {
    bench.faulty.fault = () => "say no";
    assertEquals(await refusalCode(bench.committer.submit(claimOf(bench, {}))), "store_unavailable");
    assertEquals(bench.committer.waiting, 0);
  }));

Deno.test("a commit that threw is tried again as it was", () =>
  withCommitter(PATIENT, async (bench) => {
    bench.faulty.fault = (commit) => commit < 2 ? "throw" : "none";
    const outcomes = await submitAll(bench, range(20).map((token) => ({ token })));
    assertEquals(outcomes, range(20).map(() => "accepted"));
    assertEquals(bench.faulty.counts.commits, 3);
  }));

Deno.test("a store that throws on everything is asked three times for a group, and three times for three of it", () =>
  withCommitter(PATIENT, async (bench) => {
    bench.faulty.fault = () => "throw";
    const codes = range(50).map((token) => refusalCode(bench.committer.submit(claimOf(bench, { token }))));
    assertEquals(new Set(await Promise.all(codes)), new Set(["store_unavailable"]));
    assertEquals(bench.faulty.counts.commits, 3 + 3 * 3);
  }));

Deno.test("requests that KV throws on, with others between them, do not take those with them", () =>
  withCommitter(PATIENT, async (bench) => {
    const isPoison = (token: number) => token % 3 === 0;
    const outcomes = await Promise.allSettled(
      range(15).map((token) =>
        bench.committer.submit(claimOf(bench, {
          token,
          ...(isPoison(token) ? { record: new Uint8Array(70 * 1024) } : {}),
        }))
      ),
    );
    assertEquals(
      outcomes.map(({ status }) => status),
      range(15).map((token) => isPoison(token) ? "rejected" : "fulfilled"),
    );
    assertEquals((await storedRecords(bench)).length, 10);
  }));

Deno.test("a store that finds even ten checks too many is given up on", () =>
  withCommitter(PATIENT, async (bench) => {
    bench.faulty.fault = () => "throw";
    bench.faulty.message = "too many checks (max 5)";
    // Nine claims and their key: the least that a group is made smaller to.
    for (const count of [9, 30]) {
      const wishes = range(count).map((token) => claimOf(bench, { token }));
      const codes = await Promise.all(wishes.map((claim) => refusalCode(bench.committer.submit(claim))));
      assertEquals(new Set(codes), new Set(["store_unavailable"]));
    }
  }));

Deno.test("the keys count in a group that has too many checks", () =>
  withCommitter(PATIENT, async (bench) => {
    bench.faulty.fault = (commit) => commit === 0 ? "throw" : "none";
    bench.faulty.message = "too many checks (max 10)";
    // Nine claims of three keys are twelve checks: they are committed again in groups of at most ten.
    const outcomes = await submitAll(bench, range(9).map((token) => ({ token, ordinal: 1 + token % 3 })));
    assertEquals(outcomes, range(9).map(() => "accepted"));
    assertEquals(bench.faulty.counts.commits, 3);
  }));

Deno.test("onCommit hears of each commit, with its claims and whether it went through", async () => {
  const heard: [claims: number, ok: boolean][] = [];
  const onCommit = (claims: number, _: number, ok: boolean) => void heard.push([claims, ok]);
  await withCommitter({ ...PATIENT, onCommit }, async (bench) => {
    bench.faulty.fault = (commit) => (["throw", "say no"] as const)[commit] ?? "none";
    await submitAll(bench, range(5).map((token) => ({ token })));
  });
  assertEquals(heard, [[5, false], [5, false], [5, true]]);
});

Deno.test("a claim under a key that is over is told so every time, to all who want it", () =>
  withCommitter(PATIENT, async (bench) => {
    await deleteRow(bench.store, ALIVE_KEYS.key(2));
    const wishes: Wish[] = [0, 0, 1].map((tag) => ({ ordinal: 2, tag }));
    for (const _ of range(2)) {
      assertEquals(await submitAll(bench, wishes), ["key_over", "key_over", "key_over"]);
    }
  }));

Deno.test("a key whose alive row was written anew is over for who read it before", () =>
  withCommitter(PATIENT, async (bench) => {
    await setRow(bench.store, ALIVE_KEYS.key(2), true);
    assertEquals(await submitAll(bench, [{ ordinal: 1 }, { ordinal: 2 }]), ["accepted", "key_over"]);
    assertEquals(await countRows(bench, CLAIMS.all()), 1);
  }));

Deno.test("a use that was claimed before its key ended is known by its tag", () =>
  withCommitter(PATIENT, async (bench) => {
    await bench.another().submit(claimOf(bench, { ordinal: 2, tag: 1 }));
    await bench.another().submit(claimOf(bench, { ordinal: 2, use: 1, tag: 1 }));
    await deleteRow(bench.store, ALIVE_KEYS.key(2));
    const wishes: Wish[] = [{ ordinal: 2, tag: 1 }, { ordinal: 2, use: 1, tag: 2 }, { ordinal: 2, use: 2 }];
    assertEquals(await submitAll(bench, wishes), ["replayed", "taken", "key_over"]);
  }));

Deno.test("a claim whose row cannot be read is somebody else's, for as long as it cannot", () =>
  withCommitter(PATIENT, async (bench) => {
    const claim = claimOf(bench, { tag: 7 });
    await bench.committer.submit(claim);
    const row = (await bench.store.get<Uint8Array>(CLAIMS.key(claim.id))).value!;
    const other = bench.another();
    for (const unreadable of [new Uint8Array(21).fill(2), new Uint8Array(3), "row"]) {
      await setRow(bench.store, CLAIMS.key(claim.id), unreadable);
      // The second one waits for the first one's outcome.
      const outcomes = [other.submit(claim), other.submit(claim)];
      assertEquals(await Promise.all(outcomes), ["taken", "taken"]);
      assertEquals((await bench.store.get(CLAIMS.key(claim.id))).value, unreadable);
    }
    await setRow(bench.store, CLAIMS.key(claim.id), row);
    assertEquals(await other.submit(claim), "replayed");
    assertEquals(await storedRecords(bench), ["1/0/0/7"]);
  }));

Deno.test("what the store says of a claim is remembered under the tag that stands there", () =>
  withCommitter(PATIENT, async (bench) => {
    await bench.another().submit(claimOf(bench, { tag: 1 }));
    assertEquals(await submitAll(bench, [{ tag: 2 }]), ["taken"]);
    bench.faulty.fault = () => "throw";
    assertEquals(await submitAll(bench, [{ tag: 2 }, { tag: 1 }]), ["taken", "replayed"]);
  }));

Deno.test("of the claims that are remembered the one that was wanted the longest ago gives way", () =>
  withCommitter({ ...PATIENT, maxRecent: 2 }, async (bench) => {
    await submitAll(bench, [{ token: 1 }, { token: 2 }]);
    await submitAll(bench, [{ token: 1 }]);
    await submitAll(bench, [{ token: 3 }]);
    const { commits } = bench.faulty.counts;
    assertEquals(await submitAll(bench, [{ token: 1 }, { token: 3, tag: 9 }]), ["replayed", "taken"]);
    assertEquals(bench.faulty.counts.commits, commits);
    assertEquals(await submitAll(bench, [{ token: 2 }]), ["replayed"]);
    assertEquals(bench.faulty.counts.commits, commits + 1);
  }));

Deno.test("a record lies under its day and its hour, and its claim says the day", () =>
  withCommitter(PATIENT, async (bench) => {
    const claim = { ...claimOf(bench, { hour: 13 }), day: DAY + 2 };
    assertEquals(await bench.committer.submit(claim), "accepted");
    const rows = await Array.fromAsync(bench.store.list<Uint8Array>(LOG_ROWS.prefix(APP)));
    assertEquals(rows.map(({ key }) => [key[2], (key[3] as Uint8Array)[0]]), [[DAY + 2, 13]]);
    const [stored] = await Array.fromAsync(bench.store.list<Uint8Array>(CLAIMS.all()));
    assertEquals(decodeClaim(stored!.value)?.day, DAY + 2);
  }));

Deno.test("a tag is another one by any of its bytes, in memory and in the store", () =>
  withCommitter(PATIENT, async (bench) => {
    const claim = claimOf(bench, {});
    await bench.committer.submit(claim);
    for (const committer of [bench.committer, bench.another()]) {
      for (let at = 0; at < 16; at++) {
        assertEquals(
          await committer.submit({ ...claim, tag: claim.tag.with(at, 0xff) }),
          "taken",
          `byte ${at}`,
        );
      }
      assertEquals(await committer.submit(claim), "replayed");
    }
  }));
