import { assertEquals } from "@std/assert";
import { CLAIMS, claimsOf, LOG_ROWS, logsBefore, SEGMENTS } from "../../core/ledger/families.ts";
import { encodeClaim } from "../../core/ledger/claim_row.ts";
import { sweepEndedKeys } from "../../core/jobs/ended_keys.ts";
import { ENDED_KEYS } from "../../core/keys/families.ts";
import { claimId } from "../../core/ledger/row_ids.ts";
import type { ClaimingEngine } from "../../core/store/claims.ts";
import { compareBytes } from "../../core/store/postgres/bounds.ts";
import { encodeKey, encodeRange } from "../../core/store/postgres/key_bytes.ts";
import { CLAIMS_LETTER, ordinalOfRange, placeOf, RECORD_LETTERS } from "../../core/store/postgres/lots.ts";
import type { Isolation } from "../../core/store/postgres/pool.ts";
import type { Key, Range } from "../../core/store/port.ts";
import type { Cluster } from "../support/postgres/cluster.ts";
import { withPostgres } from "../support/postgres/databases.ts";
import { hold } from "../support/postgres/held.ts";
import { until } from "../support/store/with_kv_endpoint.ts";
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
    "select relname from pg_class where relname ~ '^(claims|records)_[0-9]+$' order by relname",
    new URL(url).pathname.slice(1),
  );
  return names.split("\n").filter((name) => name !== "");
}

Deno.test("records lie by their day, and a day that retention has emptied goes when another one begins", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const rowOf = (letter: string, app: string, day: number): Key => [letter, app, day, Uint8Array.of(1)];
    const write = (...keys: Key[]) =>
      engine.commit([], keys.map((key) => ({ type: "set", key, value: Uint8Array.of(1) })));
    await write(rowOf("l", "notes", 20_000), rowOf("g", "maps", 20_000), rowOf("l", "notes", 20_001));
    assertEquals(await partitionsOf(cluster, url), ["records_20000", "records_20001"]);
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
    assertEquals((await partitionsOf(cluster, url)).length, 3);
    await engine.commit([], [{ type: "delete", key: rowOf("g", "maps", 20_000) }]);
    await write(rowOf("l", "notes", 20_003));
    await until(async () => !(await partitionsOf(cluster, url)).includes("records_20000"));
    assertEquals(await partitionsOf(cluster, url), ["records_20001", "records_20002", "records_20003"]);
    // A log of that day that comes late finds a place all the same.
    await write(rowOf("l", "notes", 20_000));
    assertEquals(await read({ prefix: ["l", "notes"] }), [20_000, 20_001, 20_002, 20_003]);
  }));

Deno.test("a day that begins: nobody's commit waits until earlier ones are seen to be empty, or dropped", () =>
  withPostgres(async (open, url, cluster) => {
    const engines = [await open(), await open(), await open()];
    const write = (
      engine: ClaimingEngine | undefined,
      day: number,
      at: number,
      type: "set" | "delete" = "set",
    ) => engine?.commit([], [{ type, key: ["l", "notes", day, Uint8Array.of(at)], value: 1 }]);
    // Both days begin in one commit: what looks for empty days after it, in its own time, looks at neither.
    const days = [20_000, 20_001].map((day) => ["l", "notes", day, Uint8Array.of(0)]);
    const earlier = await open();
    await earlier.commit([], days.map((key) => ({ type: "set", key, value: 1 })));
    await earlier.commit([], days.map((key) => ({ type: "delete", key })));
    const busy = await hold(
      url,
      "read committed",
      (_, query) => query("lock table dit.records_20000, dit.records_20001 in access exclusive mode"),
    );
    await Promise.all(engines.map((engine, at) => write(engine, 20_100, at)));
    assertEquals((await partitionsOf(cluster, url)).length, 3);
    await busy.rollback();
    await until(async () => (await partitionsOf(cluster, url)).join() === "records_20100");
    // Whoever reads all days for long, as `pg_dump` does, is in the way of that alone.
    await write(engines[0], 20_100, 0, "delete");
    await write(engines[0], 20_100, 1, "delete");
    await write(engines[0], 20_100, 2, "delete");
    const dump = await hold(
      url,
      "read committed",
      (_, query) => query("lock table dit.records in access share mode"),
    );
    await Promise.all(engines.map((engine, at) => write(engine, 20_101, at)));
    assertEquals(await partitionsOf(cluster, url), ["records_20100", "records_20101"]);
    await dump.rollback();
    await write(engines[0], 20_102, 0);
    await until(async () => (await partitionsOf(cluster, url)).join() === "records_20101,records_20102");
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
    assertEquals(await partitionsOf(cluster, url), ["claims_3"]);
    await sweepEndedKeys(store, 99);
    assertEquals(await partitionsOf(cluster, url), ["claims_3"]);
    assertEquals((await sweepEndedKeys(store, 100)).claims, 1);
    assertEquals(await partitionsOf(cluster, url), []);
  }));

Deno.test("what is about a few rows locks their partitions alone, of sixty that there are", () =>
  withPostgres(async (open, url) => {
    const engine = await open();
    const [guard] = await withGuards(engine);
    const claimKey = (ordinal: number, use: number) => CLAIMS.key(claimId(ordinal, new Uint8Array(16), use));
    const recordKey = (day: number) => LOG_ROWS.key("notes", day, new Uint8Array(12));
    for (let number = 1; number <= 30; number++) {
      await engine.commit([], [
        { type: "set", key: claimKey(number, 0), value: Uint8Array.of(1) },
        { type: "set", key: recordKey(20_000 + number), value: Uint8Array.of(2) },
      ]);
    }
    /** The partitions on which a transaction holds locks once it has done something. */
    const locks = async (work: (engine: ClaimingEngine) => Promise<unknown>, isolation: Isolation) => {
      const held = await hold(url, isolation, async (engine, query) => {
        // Whatever a connection keeps planned is planned for all there is by the sixth time.
        for (let time = 0; time < 7; time++) await work(engine);
        const rows = await query(
          "select distinct relname from pg_locks join pg_class on oid = relation " +
            "where relname ~ '_[0-9]+$' and pid = pg_backend_pid() order by relname",
        );
        return rows.map(({ relname }) => relname);
      });
      await held.rollback();
      return held.result;
    };
    const claim = (other: ClaimingEngine, use: number) => {
      const call = <T>(begin: () => Promise<T>) => begin();
      const group = [1, 2].map((ordinal) => ({
        key: claimKey(ordinal, use),
        value: Uint8Array.of(1),
        guard,
      }));
      return other.claims({ read: call, write: call }).claimGroup(
        group,
        () => [{ type: "set", key: recordKey(20_003), value: Uint8Array.of(3) }],
      );
    };
    const read = (work: (engine: ClaimingEngine) => Promise<unknown>) => locks(work, "read committed");
    let use = 1;
    const found = {
      won: await read((engine) => claim(engine, use++)),
      lost: await read((engine) => claim(engine, 0)),
      get: await read((engine) => engine.get(claimKey(5, 0))),
      getMany: await read((engine) => engine.getMany([claimKey(5, 0), recordKey(20_006), ["x"]])),
      ofKey: await read((engine) => engine.list(claimsOf(7), { limit: 10 })),
      ofDay: await read((engine) => engine.list({ prefix: ["l", "notes", 20_008] }, { limit: 10 })),
      before: await read((engine) => engine.list(logsBefore("notes", 20_009, 3), { limit: 10 })),
      page: await read((engine) => engine.list(CLAIMS.all(), { limit: 2 })),
      reverse: await read((engine) => engine.list(CLAIMS.all(), { limit: 1, reverse: true })),
      others: await read((engine) => engine.list({ prefix: ["guard"] }, { limit: 10 })),
      commit: await locks(
        (engine) =>
          engine.commit([{ key: claimKey(11, 9), stamp: null }], [
            { type: "set", key: claimKey(12, 0), value: Uint8Array.of(9) },
            { type: "delete", key: recordKey(20_013) },
          ]),
        "serializable",
      ),
      common: await locks(
        (engine) => engine.commit([{ key: ["x"], stamp: null }], [{ type: "delete", key: ["y"] }]),
        "serializable",
      ),
    };
    assertEquals(found, {
      won: ["claims_1", "claims_2", "records_20003"],
      lost: ["claims_1", "claims_2"],
      get: ["claims_5"],
      getMany: ["claims_5", "records_20006"],
      ofKey: ["claims_7"],
      ofDay: ["records_20008"],
      before: ["records_20009"],
      page: ["claims_1", "claims_2"],
      reverse: ["claims_30"],
      others: [],
      commit: ["claims_11", "claims_12", "records_20013"],
      common: [],
    });
  }));

Deno.test("a range finds its rows in every table, whatever they begin as", () =>
  withPostgres(async (open) => {
    const engine = await open();
    const bytes = (...values: number[]) => Uint8Array.from(values);
    const ids = [
      ...[
        bytes(),
        bytes(0),
        bytes(0, 0, 0),
        bytes(0, 0, 0, 0),
        bytes(0, 0, 0, 0, 0),
        bytes(0, 0, 0, 0, 0, 1),
      ],
      ...[bytes(0, 0, 0, 0, 1), bytes(0, 0, 0, 0, 255), bytes(0, 0, 0, 1), bytes(0, 0, 0, 1, 0)],
      ...[bytes(0, 0, 0, 255, 0, 255), bytes(0, 0, 1, 0), bytes(127, 255, 255, 254, 7)],
      ...[bytes(127, 255, 255, 255), bytes(127, 255, 255, 255, 1), bytes(255, 255, 255, 255, 255)],
    ];
    const days = [-1, -0.5, 0, 0.5, 1, 20_000, 2 ** 31 - 2, 2 ** 31 - 1, 2 ** 31, Infinity];
    const keys: Key[] = [
      ["b"],
      ["c"],
      ...ids.flatMap((id): Key[] => [["c", id], ["c", id, 1]]),
      ["c", "text"],
      ["c", 7],
      ["d"],
      ...["g", "l"].flatMap((letter): Key[] => [
        [letter],
        [letter, "notes"],
        ...["maps", "notes"].flatMap((app) =>
          days.flatMap((day): Key[] => [[letter, app, day], [letter, app, day, bytes(1)]])
        ),
        [letter, "notes", "text"],
        [letter, "notes", true],
      ]),
      ["m"],
    ];
    // Rows of all tables in one commit, and in no order.
    const written = await engine.commit(
      keys.map((key) => ({ key, stamp: null })),
      keys.toReversed().map((key, index) => ({ type: "set", key, value: index })),
    );
    assertEquals(written.ok, true);
    const ranges: Range[] = [
      { prefix: [] },
      ...["b", "c", "d", "g", "l"].map((letter) => ({ prefix: [letter] })),
      ...ids.map((id) => ({ prefix: ["c", id] })),
      ...ids.flatMap((start) => ids.map((end) => ({ start: ["c", start], end: ["c", end] }))),
      ...ids.flatMap((id) => [{ start: ["a"], end: ["c", id] }, { start: ["c", id, 0], end: ["e"] }]),
      ...["g", "l"].flatMap((letter) => [
        { prefix: [letter, "notes"] },
        ...days.flatMap((day) => [
          { prefix: [letter, "notes", day] },
          { prefix: [letter, "notes"], start: [letter, "notes", day] },
          { prefix: [letter, "notes"], end: [letter, "notes", day] },
          { start: [letter, "maps", day], end: [letter, "notes", 1] },
          { start: [letter, "notes", 0.25], end: [letter, "notes", day] },
          { start: [letter, "notes"], end: [letter, "notes", day, bytes(1)] },
        ]),
      ]),
    ];
    const encoded = keys.map((key) => ({ key, bytes: encodeKey(key) }))
      .sort((a, b) => compareBytes(a.bytes, b.bytes));
    for (const range of ranges) {
      const { start, end } = encodeRange(range);
      const expected = encoded.filter(({ bytes }) =>
        compareBytes(bytes, start) >= 0 && compareBytes(bytes, end) < 0
      )
        .map(({ key }) => key);
      for (const reverse of [false, true]) {
        const read: Key[] = [];
        for (let cursor = "";;) {
          const page = await engine.list(range, { limit: 7, cursor, reverse });
          read.push(...page.entries.map(({ key }) => key));
          if (page.entries.length < 7) break;
          cursor = page.cursor;
        }
        assertEquals(read, reverse ? expected.toReversed() : expected, Deno.inspect(range));
      }
    }
    const found = await engine.getMany(keys);
    assertEquals(
      found.map(({ key, stamp }) => [key, stamp]),
      keys.map((key) => [key, written.ok && written.stamp]),
    );
    // All that a range of claims has goes with its partition.
    const range = { start: ["c", bytes(0, 0, 0, 0)], end: ["c", bytes(0, 0, 0, 1)] };
    assertEquals(await engine.clear?.(range), 10);
    assertEquals((await engine.list(range, { limit: 10 })).entries, []);
    assertEquals((await engine.list({ prefix: [] }, { limit: 500 })).entries.length, keys.length - 10);
  }));

Deno.test("the letters by which rows lie apart are those of their families", () => {
  assertEquals(CLAIMS_LETTER, CLAIMS.letter);
  assertEquals(RECORD_LETTERS, [LOG_ROWS.letter, SEGMENTS.letter]);
  assertEquals(placeOf(CLAIMS.key(claimId(7, new Uint8Array(16), 0))).lot, 8);
  assertEquals(placeOf(SEGMENTS.key("notes", 20_000, new Uint8Array(12))).lot, -20_001);
  assertEquals(ordinalOfRange(claimsOf(7)), 7);
});
