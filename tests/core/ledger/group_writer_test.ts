import { assertEquals, assertRejects } from "@std/assert";
import { StoreUnavailable } from "../../../core/store/breaker.ts";
import { ALIVE_KEYS } from "../../../core/keys/families.ts";
import { CLAIMS } from "../../../core/ledger/families.ts";
import { deleteRow, setRow } from "../../support/store/rows.ts";
import {
  type Bench,
  claimOf,
  countRows,
  groupParts,
  range,
  storedRecords,
  withCommitter,
} from "../../support/store/committer_bench.ts";

const outcomeOf = async ({ settled }: { settled: Promise<{ outcome: string }> }) => (await settled).outcome;
const claims = (bench: Bench) => countRows(bench, CLAIMS.all());

Deno.test("write() answers each claim of a group that went through, and remembers it", () =>
  withCommitter({}, async (bench) => {
    const { writer, recent, add } = groupParts(bench);
    const group = range(5).map((token) => add({ token }));
    assertEquals(await writer.write(group), []);
    assertEquals(await Promise.all(group.map(outcomeOf)), range(5).map(() => "accepted"));
    assertEquals(group.map(({ request }) => recent.outcomeOf(request)), range(5).map(() => "replayed"));
    assertEquals([await claims(bench), (await storedRecords(bench)).length], [5, 5]);
    assertEquals(bench.faulty.counts.commits, 1);
  }));

Deno.test("write() answers those who lost, and gives back the others, of which nothing is written", () =>
  withCommitter({}, async (bench) => {
    const { writer, recent, pending, add } = groupParts(bench);
    await bench.another().submit(claimOf(bench, { token: 1, tag: 1 }));
    await bench.another().submit(claimOf(bench, { token: 2, tag: 1 }));
    await deleteRow(bench.store, ALIVE_KEYS.key(2));
    const [replay, taken, over, free] = [
      add({ token: 1, tag: 1 }),
      add({ token: 2, tag: 2 }),
      add({ ordinal: 2 }),
      add({ token: 3 }),
    ];
    assertEquals(await writer.write([replay, taken, over, free]), [free]);
    assertEquals(await Promise.all([replay, taken, over].map(outcomeOf)), ["replayed", "taken", "key_over"]);
    assertEquals(pending.find(free.name), free);
    assertEquals(
      [replay, taken, over, free].map(({ request }) => recent.outcomeOf(request)),
      ["replayed", "taken", undefined, undefined],
    );
    assertEquals([await claims(bench), await storedRecords(bench)], [2, ["1/1/0/1", "1/2/0/1"]]);
    assertEquals(await writer.write([free]), []);
    assertEquals(await outcomeOf(free), "accepted");
  }));

Deno.test("write() that throws answers nobody", () =>
  withCommitter({}, async (bench) => {
    const { writer, recent, pending, add } = groupParts(bench);
    bench.faulty.fault = () => "land and throw";
    const claim = add({});
    await assertRejects(() => writer.write([claim]), StoreUnavailable);
    assertEquals([pending.find(claim.name), recent.outcomeOf(claim.request)], [claim, undefined]);
    // It had landed: to write it again finds its own tag.
    bench.faulty.fault = () => "none";
    assertEquals(await writer.write([claim]), []);
    assertEquals([await outcomeOf(claim), await storedRecords(bench)], ["replayed", ["1/0/0/0"]]);
  }));

Deno.test("a row that cannot be read is somebody else's claim, and is not remembered", () =>
  withCommitter({}, async (bench) => {
    const { writer, recent, add } = groupParts(bench);
    const claim = add({});
    await setRow(bench.store, claim.key, "row");
    assertEquals(await writer.write([claim]), []);
    assertEquals([await outcomeOf(claim), recent.outcomeOf(claim.request)], ["taken", undefined]);
  }));
