import { assertEquals } from "@std/assert";
import { withPostgres } from "../support/postgres/databases.ts";
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
