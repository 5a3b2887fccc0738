import { assert, assertEquals } from "@std/assert";
import { MAX_RECORD_BYTES } from "../../core/schema/record.ts";
import { DENO_KV_LIMITS } from "../../core/store/deno_kv/limits.ts";
import { openEngine } from "../../core/store/deno_kv/open.ts";
import { roomInCommit, roomInValue } from "../../core/store/limits.ts";
import { withFile, withOwn } from "../support/store/engines.ts";
import { testEngine } from "./store_engine.ts";

testEngine({ name: "Deno KV in memory", withStore: (run) => withOwn(":memory:", run) });

testEngine({ name: "Deno KV in a file", withStore: (run) => withFile((path) => withOwn(path, run)) });

Deno.test("a file that is closed and opened again has what was committed, under the same stamps", () =>
  withFile(async (path) => {
    const first = await openEngine(path);
    const done = await first.commit([], [{ type: "set", key: ["x"], value: 1 }]);
    first.close();
    const second = await openEngine(path);
    const row = await second.get(["x"]);
    assertEquals(done, { ok: true, stamp: row.stamp ?? "" });
    second.close();
  }));

Deno.test("every engine has room for a record in a value, and for several in a commit", () => {
  assert(roomInValue(DENO_KV_LIMITS) >= MAX_RECORD_BYTES);
  assert(roomInCommit(DENO_KV_LIMITS) >= 2 * MAX_RECORD_BYTES);
});
