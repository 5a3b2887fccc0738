/**
 * What every engine of a store has to do: core/store/port.ts as tests, and core/store/claims.ts with them. Whoever adds
 * an engine runs them over it.
 *
 * @module
 */
import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import type { Check, Engine, Entry, Key, KeyPart, PageOptions, Range, Write } from "../../core/store/port.ts";
import { update } from "../../core/store/update.ts";
import { testClaims } from "./claims.ts";
import type { EngineUnderTest } from "./engine_under_test.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

/** In the order in which a store has to give them: by type, then by value. */
const PARTS: readonly KeyPart[] = [
  bytes(),
  bytes(0),
  bytes(0, 0),
  bytes(0, 255),
  bytes(1),
  bytes(255),
  bytes(255, 0),
  bytes(255, 255),
  "",
  "\0",
  "\0a",
  "a",
  "a\0",
  "aa",
  "b",
  "é",
  "\u{10000}",
  -(2n ** 80n),
  -256n,
  -1n,
  0n,
  1n,
  255n,
  256n,
  2n ** 64n,
  2n ** 80n,
  -Infinity,
  -Number.MAX_SAFE_INTEGER,
  -1.5,
  -1,
  -0.25,
  -0,
  0,
  Number.MIN_VALUE,
  0.25,
  1,
  1.5,
  2,
  10,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  Infinity,
  false,
  true,
];

function set(key: Key, value: unknown = true): Write {
  return { type: "set", key, value };
}

function remove(key: Key): Write {
  return { type: "delete", key };
}

async function stampOf(engine: Engine, ...writes: Write[]): Promise<string> {
  return await stampAfter(engine, [], ...writes);
}

async function stampAfter(engine: Engine, checks: readonly Check[], ...writes: Write[]): Promise<string> {
  const done = await engine.commit(checks, writes);
  if (!done.ok) throw new Error("A commit was refused.");
  return done.stamp;
}

/** Writes many rows, in no order. */
async function fill(
  engine: Engine,
  keys: readonly Key[],
  value: (index: number) => unknown = (index) => index,
) {
  const writes = keys.map((key, index) => set(key, value(index))).reverse();
  const { writesPerCommit } = engine.limits;
  for (let at = 0; at < writes.length; at += writesPerCommit) {
    await stampOf(engine, ...writes.slice(at, at + writesPerCommit));
  }
}

async function readAll<T>(
  engine: Engine,
  range: Range,
  options: PageOptions = { limit: 100 },
): Promise<Entry<T>[]> {
  const entries: Entry<T>[] = [];
  for (let cursor = options.cursor ?? "";;) {
    const page = await engine.list<T>(range, { ...options, cursor });
    entries.push(...page.entries);
    if (page.entries.length < options.limit) return entries;
    cursor = page.cursor;
  }
}

async function keysOf(engine: Engine, range: Range, options?: PageOptions): Promise<Key[]> {
  return (await readAll(engine, range, options)).map(({ key }) => key);
}

/** The greatest length at which `fits` holds, of which `atMost` is too great. */
async function greatest(atMost: number, fits: (length: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, atMost];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Registers the tests, and those of the engine's claims. */
export function testEngine(engineUnderTest: EngineUnderTest): void {
  const { name, withStore, writers = 20 } = engineUnderTest;
  testClaims(engineUnderTest);
  const test = (what: string, run: (engine: Engine, open: () => Promise<Engine>) => Promise<void>) =>
    Deno.test(`${name} ${what}`, () => withStore(async (open) => await run(await open(), open)));

  test("keeps keys in the order of their parts, whatever their type", async (engine) => {
    const keys = PARTS.map((part) => ["x", part]);
    await fill(engine, keys);
    assertEquals(await keysOf(engine, { prefix: ["x"] }), keys);
    assertEquals(await keysOf(engine, { prefix: ["x"] }, { limit: 100, reverse: true }), keys.toReversed());
    for (const key of keys) assertEquals((await engine.get(key)).key, key);
  });

  test("compares keys part by part, the shorter first", async (engine) => {
    const keys: Key[] = [["a"], ["a", ""], ["a", "", 1], ["a", "b"], ["a", 1], ["aa"], ["b"], [1]];
    await fill(engine, keys);
    assertEquals(await keysOf(engine, { prefix: [] }), keys);
  });

  test("gives back values as they were written", async (engine) => {
    const values = [
      null,
      true,
      "text é",
      -0.5,
      2n ** 70n,
      bytes(0, 1, 255),
      [1, "a", [bytes(2)]],
      { a: 1, b: { c: bytes(3), d: 4n }, e: [undefined, null] },
      new Map([["k", new Set([1])]]),
      "",
      bytes(),
    ];
    await fill(engine, values.map((_, index) => ["v", index]), (index) => values[index]);
    assertEquals((await readAll(engine, { prefix: ["v"] })).map(({ value }) => value), values);
  });

  test("reads a prefix without the row of that very key", async (engine) => {
    const keys: Key[] = [["p"], ["p", 0], ["p", 0, "x"], ["p", 1], ["q", 0]];
    await fill(engine, keys);
    assertEquals(await keysOf(engine, { prefix: ["p"] }), keys.slice(1, 4));
    assertEquals(await keysOf(engine, { prefix: ["p", 0] }), [["p", 0, "x"]]);
    assertEquals(await keysOf(engine, { prefix: ["none"] }), []);
  });

  test("reads a range from its start up to and without its end", async (engine) => {
    const keys: Key[] = Array.from({ length: 10 }, (_, index) => ["p", index]);
    await fill(engine, [...keys, ["o", 1], ["q", 1]]);
    assertEquals(await keysOf(engine, { start: ["p", 2], end: ["p", 5] }), keys.slice(2, 5));
    assertEquals(await keysOf(engine, { start: ["p", 2.5], end: ["p", 5.5] }), keys.slice(3, 6));
    assertEquals(await keysOf(engine, { start: ["p"], end: ["p", 3] }), keys.slice(0, 3));
    assertEquals(await keysOf(engine, { prefix: ["p"], start: ["p", 7] }), keys.slice(7));
    assertEquals(await keysOf(engine, { prefix: ["p"], end: ["p", 3] }), keys.slice(0, 3));
    assertEquals(await keysOf(engine, { start: ["p", 5], end: ["p", 5] }), []);
  });

  test("goes on behind a cursor, in both directions, though rows come and go", async (engine) => {
    const keys: Key[] = Array.from({ length: 23 }, (_, index) => ["p", index]);
    await fill(engine, keys);
    for (const limit of [1, 4, 22, 23, 24]) {
      assertEquals(await keysOf(engine, { prefix: ["p"] }, { limit }), keys);
      assertEquals(await keysOf(engine, { prefix: ["p"] }, { limit, reverse: true }), keys.toReversed());
      const range = { start: ["p", 3], end: ["p", 20] };
      assertEquals(await keysOf(engine, range, { limit }), keys.slice(3, 20));
    }
    const first = await engine.list({ prefix: ["p"] }, { limit: 5 });
    // The row at which the cursor stands goes, and one before it comes.
    await stampOf(engine, remove(["p", 4]), set(["p", 3.5]), set(["p", 5.5]));
    const rest = await keysOf(engine, { prefix: ["p"] }, { limit: 100, cursor: first.cursor });
    assertEquals(rest, [["p", 5], ["p", 5.5], ...keys.slice(6)]);
  });

  test("gives as many rows as a page may have", async (engine) => {
    const { rowsPerPage } = engine.limits;
    await fill(engine, Array.from({ length: rowsPerPage + 1 }, (_, index) => ["p", index]));
    assertEquals((await engine.list({ prefix: ["p"] }, { limit: rowsPerPage })).entries.length, rowsPerPage);
  });

  test("reads many keys in their order, and says which are not there", async (engine) => {
    const { keysPerRead } = engine.limits;
    const keys: Key[] = Array.from({ length: keysPerRead }, (_, index) => ["p", index]);
    await fill(engine, keys.filter((_, index) => index % 2 === 0));
    const rows = await engine.getMany<number>(keys.toReversed());
    assertEquals(rows.map(({ key }) => key), keys.toReversed());
    for (const { key, value, stamp } of rows) {
      assertEquals([value === null, stamp === null], Array(2).fill(Number(key[1]) % 2 === 1));
    }
  });

  test("stamps rise from commit to commit, and are one within a commit", async (engine) => {
    const stamps: string[] = [];
    for (let commit = 0; commit < 20; commit++) {
      stamps.push(await stampOf(engine, set(["a"], commit), set(["b", commit])));
      assertEquals((await engine.get(["a"])).stamp, stamps.at(-1));
      assertEquals((await engine.get(["b", commit])).stamp, stamps.at(-1));
    }
    assertEquals(stamps, [...new Set(stamps)].sort());
    for (const stamp of stamps) assert(/^[0-9a-f]{20}$/.test(stamp), stamp);
    assertEquals((await engine.get(["b", 3])).stamp, stamps[3], "a row keeps the stamp of its last commit");
  });

  test("checks that a row is not there, and then writes it or does not", async (engine) => {
    const absent = { key: ["x"], stamp: null };
    assertEquals((await engine.commit([absent], [])).ok, true);
    assertEquals((await engine.commit([absent], [set(["x"], "first")])).ok, true);
    assertEquals(await engine.commit([absent], [set(["x"], "second")]), { ok: false });
    assertEquals(await engine.commit([absent], [set(["y"])]), { ok: false });
    assertEquals((await engine.get(["x"])).value, "first");
    assertEquals((await engine.get(["y"])).stamp, null);
    await stampOf(engine, remove(["x"]));
    assertEquals((await engine.commit([absent], [set(["x"], "third")])).ok, true);
  });

  test("checks the stamp of a row, and an old one does not hold", async (engine) => {
    const old = await stampOf(engine, set(["x"], 1));
    const stamp = await stampAfter(engine, [{ key: ["x"], stamp: old }], set(["x"], 2));
    assertGreater(stamp, old);
    assertEquals(await engine.commit([{ key: ["x"], stamp: old }], [set(["x"], 3)]), { ok: false });
    assertEquals(
      await engine.commit([{ key: ["x"], stamp }, { key: ["y"], stamp: old }], [
        set(["x"], 3),
      ]),
      { ok: false },
      "one check of two",
    );
    assertEquals((await engine.get(["x"])).value, 2);
    // A row that is written anew is another one, though its value is the same.
    await stampOf(engine, remove(["x"]), set(["x"], 2));
    assertEquals(await engine.commit([{ key: ["x"], stamp }], [set(["x"], 3)]), { ok: false });
  });

  test("does all writes of a commit or none", async (engine) => {
    await stampOf(engine, set(["keeps"]), set(["goes"]));
    const writes = [set(["new"]), remove(["goes"])];
    assertEquals(await engine.commit([{ key: ["keeps"], stamp: null }], writes), { ok: false });
    assertEquals(await keysOf(engine, { prefix: [] }), [["goes"], ["keeps"]]);
    await engine.commit([{ key: ["none"], stamp: null }], writes);
    assertEquals(await keysOf(engine, { prefix: [] }), [["keeps"], ["new"]]);
  });

  test("lets the later of two writes to one key hold", async (engine) => {
    await stampOf(engine, set(["x"], 1), set(["x"], 2));
    assertEquals((await engine.get(["x"])).value, 2);
    await stampOf(engine, set(["x"], 3), remove(["x"]));
    assertEquals((await engine.get(["x"])).value, null);
    await stampOf(engine, remove(["x"]), set(["x"], 4));
    assertEquals((await engine.get(["x"])).value, 4);
  });

  test("deletes what is not there without a word", async (engine) => {
    assertEquals((await engine.commit([], [remove(["x"])])).ok, true);
    assertEquals(await engine.get(["x"]), { key: ["x"], value: null, stamp: null });
  });

  test(
    `loses nothing of what ${writers} writers change in one row at the same time`,
    async (engine, open) => {
      const engines = [engine, await open()];
      await Promise.all(Array.from({ length: writers }, async (_, writer) => {
        for (let round = 0; round < 3; round++) {
          await update<string[], void>(engines[writer % 2] ?? engine, ["x"], ({ value }, commit) => {
            commit.set(["x"], [...value ?? [], `${writer} ${round}`]);
          });
        }
      }));
      const written = (await engine.get<string[]>(["x"])).value ?? [];
      assertEquals([written.length, new Set(written).size], [3 * writers, 3 * writers]);
    },
  );

  test("lets one of many who claim the same row have it", async (engine, open) => {
    const engines = [engine, await open()];
    const outcomes = await Promise.all(
      Array.from(
        { length: writers },
        (_, writer) =>
          (engines[writer % 2] ?? engine).commit([{ key: ["x"], stamp: null }], [set(["x"], writer)]),
      ),
    );
    const winners = outcomes.flatMap(({ ok }, writer) => ok ? [writer] : []);
    assertEquals(winners, [(await engine.get(["x"])).value]);
  });

  test("shows a commit to whoever reads after it, through another client as well", async (engine, open) => {
    const other = await open();
    for (let round = 0; round < 10; round++) {
      await stampOf(engine, set(["x"], round), set(["y", round]));
      assertEquals((await other.get(["x"])).value, round);
      assertEquals((await other.list({ prefix: ["y"] }, { limit: 100 })).entries.length, round + 1);
    }
  });

  test("takes values up to its limit, and refuses a byte more without writing", async (engine) => {
    const { bytesPerValue } = engine.limits;
    const fits = async (length: number) => {
      const writing = engine.commit([], [set(["x"], new Uint8Array(length)), set(["beside"], length)]);
      return await writing.then(() => true, () => false);
    };
    assertEquals(await fits(bytesPerValue + 1), false);
    assertEquals(await keysOf(engine, { prefix: [] }), []);
    const most = await greatest(bytesPerValue + 1, fits);
    // The engine counts its own encoding, for which callers leave room.
    assert(most > bytesPerValue - 64 && most <= bytesPerValue, `${most} bytes`);
    await stampOf(engine, set(["x"], new Uint8Array(most).fill(7)));
    await assertRejects(() => engine.commit([], [set(["x"], new Uint8Array(most + 1))]));
    assertEquals((await engine.get<Uint8Array>(["x"])).value, new Uint8Array(most).fill(7));
  });

  test("takes keys up to its limit, and refuses a byte more without writing", async (engine) => {
    const { bytesPerKey } = engine.limits;
    const fits = (length: number) =>
      engine.commit([], [set(["k", "x".repeat(length)]), set(["beside"])]).then(() => true, () => false);
    assertEquals(await fits(bytesPerKey + 1), false);
    assertEquals(await keysOf(engine, { prefix: [] }), []);
    const most = await greatest(bytesPerKey + 1, fits);
    assert(most > bytesPerKey - 16 && most <= bytesPerKey, `${most} bytes`);
    assertEquals((await engine.get(["k", "x".repeat(most)])).value, true);
  });

  test("takes as many checks and writes in a commit as it says", async (engine) => {
    const { checksPerCommit, writesPerCommit } = engine.limits;
    const checks = Array.from(
      { length: checksPerCommit },
      (_, index) => ({ key: ["p", index], stamp: null }),
    );
    const writes = Array.from({ length: writesPerCommit }, (_, index) => set(["p", index]));
    assertEquals((await engine.commit(checks, writes)).ok, true);
    assertEquals((await keysOf(engine, { prefix: ["p"] })).length, writesPerCommit);
    await assertRejects(() => engine.commit([], [...writes, set(["q"])]));
    assertEquals((await engine.get(["q"])).stamp, null);
  });

  test("takes as many bytes in a commit as it says, and writes nothing of more", async (engine) => {
    const { bytesPerCommit, bytesPerValue } = engine.limits;
    const value = new Uint8Array(bytesPerValue - 1_024);
    const most = Math.floor(bytesPerCommit / bytesPerValue);
    const writes = Array.from({ length: most }, (_, index) => set(["p", index], value));
    await stampOf(engine, ...writes);
    const more = Array.from({ length: most + 2 }, (_, index) => set(["q", index], value));
    await assertRejects(() => engine.commit([], more));
    assertEquals((await keysOf(engine, { prefix: [] })).length, most);
  });

  test("answers nothing more once it is closed", async (engine) => {
    await stampOf(engine, set(["x"]));
    engine.close();
    await assertRejects(async () => await engine.get(["x"]));
    await assertRejects(async () => await engine.commit([], [set(["x"], 2)]));
  });
}
