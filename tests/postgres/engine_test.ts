import { assertEquals } from "@std/assert";
import { CLAIMS, claimsOf, LOG_ROWS, SEGMENTS } from "../../core/ledger/families.ts";
import { claimId } from "../../core/ledger/row_ids.ts";
import { CLAIMS_LETTER, isWholeLot, lotOf, RECORD_LETTERS } from "../../core/store/postgres/lots.ts";
import type { Key, Range } from "../../core/store/port.ts";
import type { Cluster } from "../support/postgres/cluster.ts";
import { withPostgres } from "../support/postgres/databases.ts";
import { Store } from "../../core/store/store.ts";
import { withGuards } from "../conformance/claims.ts";
import { testEngine } from "../conformance/store_engine.ts";

testEngine({ name: "PostgreSQL", withStore: withPostgres });

Deno.test("the end of a key drops its claims as one partition, and those of others stay", () =>
  withPostgres(async (open) => {
    const engine = await open();
    const idOf = (ordinal: number, rest: number) => Uint8Array.of(0, 0, 0, ordinal, rest);
    const keys = [[1, 1], [1, 2], [2, 1]].map(([ordinal = 0, rest = 0]) => ["c", idOf(ordinal, rest)]);
    await engine.commit([], keys.map((key) => ({ type: "set", key, value: Uint8Array.of(1) })));
    const ofFirst = { start: ["c", Uint8Array.of(0, 0, 0, 1)], end: ["c", Uint8Array.of(0, 0, 0, 2)] };
    assertEquals(await engine.clear?.(ofFirst), 2);
    assertEquals(await engine.clear?.(ofFirst), 0);
    assertEquals((await engine.list({ prefix: ["c"] }, { limit: 10 })).entries.map(({ key }) => key), [
      keys[2],
    ]);
    // Whatever else is swept is swept row by row.
    assertEquals(await engine.clear?.({ prefix: ["c"] }), undefined);
    assertEquals(await engine.clear?.({ prefix: ["l", "notes", 20_000] }), undefined);
  }));

/** The partitions of a database. */
async function partitionsOf(cluster: Cluster, url: string): Promise<string[]> {
  const names = await cluster.sql(
    "select relname from pg_class where relname ~ '^rows_m?[0-9]+$' order by relname",
    new URL(url).pathname.slice(1),
  );
  return names.trim().split("\n");
}

Deno.test("records lie by their day, and a day that retention has emptied goes when another one begins", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const rowOf = (letter: string, app: string, day: number): Key => [letter, app, day, Uint8Array.of(1)];
    const write = (...keys: Key[]) =>
      engine.commit([], keys.map((key) => ({ type: "set", key, value: Uint8Array.of(1) })));
    await write(rowOf("l", "notes", 20_000), rowOf("g", "maps", 20_000), rowOf("l", "notes", 20_001));
    assertEquals(await partitionsOf(cluster, url), ["rows_0", "rows_m20001", "rows_m20002"]);
    const read = async (range: Range) =>
      (await engine.list(range, { limit: 10 })).entries.map(({ key }) => key[2]);
    assertEquals(await read({ prefix: ["l", "notes"] }), [20_000, 20_001]);
    assertEquals(await read({ prefix: ["l", "notes", 20_001] }), [20_001]);
    assertEquals(await read({ start: ["l", "notes", 20_000], end: ["l", "notes", 20_002] }), [
      20_000,
      20_001,
    ]);
    // One application's day is over; the other's is not yet.
    await engine.commit([], [{ type: "delete", key: rowOf("l", "notes", 20_000) }]);
    await write(rowOf("l", "notes", 20_002));
    assertEquals((await partitionsOf(cluster, url)).length, 4);
    await engine.commit([], [{ type: "delete", key: rowOf("g", "maps", 20_000) }]);
    await write(rowOf("l", "notes", 20_003));
    assertEquals(await partitionsOf(cluster, url), ["rows_0", "rows_m20002", "rows_m20003", "rows_m20004"]);
    // A log of that day that comes late finds a place all the same.
    await write(rowOf("l", "notes", 20_000));
    assertEquals(await read({ prefix: ["l", "notes"] }), [20_000, 20_001, 20_002, 20_003]);
  }));

Deno.test("a claim is written with its record, though neither has a partition yet", () =>
  withPostgres(async (open) => {
    const engine = await open();
    const guard = await withGuards(engine).then(([first]) => first);
    const key = CLAIMS.key(claimId(9, new Uint8Array(16), 0));
    const record = LOG_ROWS.key("notes", 20_000, new Uint8Array(12));
    const claims = new Store(engine).claims;
    const [outcome] = await claims.claimGroup([{ key, value: Uint8Array.of(1), guard }], () => [
      { type: "set", key: record, value: Uint8Array.of(2) },
    ]);
    assertEquals(outcome?.is, "accepted");
    assertEquals((await engine.get(record)).stamp, (await engine.get(key)).stamp);
  }));

Deno.test("the letters by which rows lie apart are those of their families", () => {
  assertEquals(CLAIMS_LETTER, CLAIMS.letter);
  assertEquals(RECORD_LETTERS, [LOG_ROWS.letter, SEGMENTS.letter]);
  assertEquals(lotOf(CLAIMS.key(claimId(7, new Uint8Array(16), 0))), 8);
  assertEquals(lotOf(SEGMENTS.key("notes", 20_000, new Uint8Array(12))), -20_001);
  assertEquals(isWholeLot(claimsOf(7)), true);
});
