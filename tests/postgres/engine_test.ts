import { assertEquals } from "@std/assert";
import { CLAIMS, claimsOf, LOG_ROWS, SEGMENTS } from "../../core/ledger/families.ts";
import { encodeClaim } from "../../core/ledger/claim_row.ts";
import { sweepEndedKeys } from "../../core/jobs/ended_keys.ts";
import { ENDED_KEYS } from "../../core/keys/families.ts";
import { claimId } from "../../core/ledger/row_ids.ts";
import { encodeKey } from "../../core/store/postgres/key_bytes.ts";
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

Deno.test("a value that was read has its own bytes, and none of its neighbours'", () =>
  withPostgres(async (open) => {
    const engine = await open();
    const value = {
      secret: Uint8Array.of(1, 2, 3),
      list: [Uint8Array.of(4)],
      map: new Map([["k", Uint8Array.of(5)]]),
    };
    await engine.commit([], [
      { type: "set", key: ["a"], value },
      { type: "set", key: ["b"], value: { beside: "x".repeat(30_000) } },
    ]);
    const { entries } = await engine.list<typeof value>({ prefix: [] }, { limit: 10 });
    const read = entries[0]!.value;
    assertEquals(read, value);
    const bytes = [read.secret, read.list[0]!, read.map.get("k")!];
    assertEquals(bytes.map(({ buffer }) => buffer.byteLength), [3, 1, 1]);
  }));

Deno.test("when a key's claims are due their partition goes with them", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const store = new Store(engine);
    const id = claimId(3, new Uint8Array(16), 0);
    const claim = encodeClaim({ tag: new Uint8Array(16), day: 20_000, recorded: false });
    await store.commit((commit) =>
      commit.set(CLAIMS.key(id), claim).set(ENDED_KEYS.key(3), { app: "notes", claimsAfter: 100 })
    );
    assertEquals(await partitionsOf(cluster, url), ["rows_0", "rows_4"]);
    await sweepEndedKeys(store, 99);
    assertEquals(await partitionsOf(cluster, url), ["rows_0", "rows_4"]);
    assertEquals((await sweepEndedKeys(store, 100)).claims, 1);
    assertEquals(await partitionsOf(cluster, url), ["rows_0"]);
  }));

Deno.test("a claim and a commit of other rows lock no partition but their own", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const [guard] = await withGuards(engine);
    const keyOf = (ordinal: number, use: number) => CLAIMS.key(claimId(ordinal, new Uint8Array(16), use));
    for (let ordinal = 1; ordinal <= 20; ordinal++) {
      await engine.commit([], [{ type: "set", key: keyOf(ordinal, 0), value: Uint8Array.of(1) }]);
    }
    const database = new URL(url).pathname.slice(1);
    const hex = (key: Key) => `'\\x${encodeKey(key).toHex()}'::bytea`;
    /** Tables of claims, and their indexes, that a statement locks. */
    const locksOf = async (statement: string) =>
      Number(
        (await cluster.sql(
          `begin; do $$ begin perform ${statement}; end $$; select 'locks', count(*) from pg_locks join pg_class on oid = relation ` +
            "where relname ~ '^rows_[1-9]' and pid = pg_backend_pid(); rollback",
          database,
        )).match(/locks\|(\d+)/)?.[1],
      );
    const none = "'{}', '{}', '{}', '{}', '{}'";
    assertEquals(
      await locksOf(
        `dit.claim(array[${hex(guard.key)}], '{0}', '{${BigInt(`0x${guard.stamp}`)}}', ` +
          `array[${hex(keyOf(1, 1))}], '{2}', array['\\x00'::bytea], '{1}', ${none})`,
      ),
      1,
    );
    assertEquals(
      await locksOf(
        `dit.commit(array[${hex(["x"])}], '{0}', '{-1}', array[${
          hex(["x"])
        }], '{0}', array['\\x00'::bytea], '{}', '{}')`,
      ),
      0,
    );
  }));

Deno.test("the letters by which rows lie apart are those of their families", () => {
  assertEquals(CLAIMS_LETTER, CLAIMS.letter);
  assertEquals(RECORD_LETTERS, [LOG_ROWS.letter, SEGMENTS.letter]);
  assertEquals(lotOf(CLAIMS.key(claimId(7, new Uint8Array(16), 0))), 8);
  assertEquals(lotOf(SEGMENTS.key("notes", 20_000, new Uint8Array(12))), -20_001);
  assertEquals(isWholeLot(claimsOf(7)), true);
});
