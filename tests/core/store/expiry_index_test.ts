import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { narrowExpiryIndex } from "../../../core/store/deno_kv/expiry_index.ts";
import { openDenoKv } from "../../../core/store/deno_kv/open.ts";
import { until } from "../../support/store/with_kv_endpoint.ts";

/** Every statement of Deno that looks for expiring rows. */
const STATEMENTS = [
  "delete from kv where expiration_ms >= 0 and expiration_ms <= 1 returning k",
  "select expiration_ms from kv where expiration_ms >= 0 order by expiration_ms limit 1",
];

async function withFile(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/kv.sqlite3`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function read(path: string, sql: string): Record<string, unknown>[] {
  using database = new DatabaseSync(path);
  return database.prepare(sql).all();
}

const INDEX = "select sql from sqlite_master where name = 'kv_expiration_ms_idx'";

Deno.test("openDenoKv() keeps rows that never expire out of the index, and Deno's statements use it still", () =>
  withFile(async (path) => {
    const store = await openDenoKv(path);
    for (let row = 0; row < 100; row++) await store.set(["x", row], row);
    await store.set(["expiring"], 1, { expireIn: 3_600_000 });
    assertEquals((await store.get(["x", 99])).value, 99);
    for (const statement of STATEMENTS) {
      const plan = JSON.stringify(read(path, `explain query plan ${statement}`));
      assertStringIncludes(plan, "kv_expiration_ms_idx");
    }
    assertStringIncludes(String(read(path, INDEX)[0]!.sql), "where expiration_ms >= 0");
    const indexed =
      "select count(*) as rows from kv indexed by kv_expiration_ms_idx where expiration_ms >= 0";
    assertEquals(read(path, indexed)[0]!.rows, 1);
    store.close();
  }));

Deno.test("an expired row of a file with the narrow index is collected by Deno", () =>
  withFile(async (path) => {
    const first = await openDenoKv(path);
    await first.set(["gone"], 1, { expireIn: 1 });
    await first.set(["stays"], 1);
    first.close();
    const second = await openDenoKv(path);
    await until(() => read(path, "select count(*) as rows from kv")[0]!.rows === 1);
    assertEquals((await second.get(["stays"])).value, 1);
    second.close();
  }));

Deno.test("narrowExpiryIndex() changes a file once, with what is in it, and while Deno KV has it open", () =>
  withFile(async (path) => {
    const kv = await Deno.openKv(path);
    for (let row = 0; row < 50; row++) await kv.set(["x", row], row);
    assertEquals(narrowExpiryIndex(path), true);
    assertEquals(narrowExpiryIndex(path), false);
    const before = await kv.get(["x", 7]);
    const done = await kv.atomic().check(before).set(["x", 7], "new").check({
      key: ["y"],
      versionstamp: null,
    })
      .set(["y"], 1).commit();
    assert(done.ok);
    assertEquals((await Array.fromAsync(kv.list({ prefix: ["x"] }))).length, 50);
    kv.close();
    assertEquals(read(path, "pragma integrity_check"), [{ __proto__: null, integrity_check: "ok" }] as never);
    using again = await Deno.openKv(path);
    assertEquals((await again.get(["x", 7])).value, "new");
    assertEquals(narrowExpiryIndex(path), false, "Deno does not make it anew");
  }));

Deno.test("narrowExpiryIndex() leaves alone what it does not know or cannot have", () =>
  withFile(async (path) => {
    (await Deno.openKv(path)).close();
    {
      using database = new DatabaseSync(path);
      database.exec(
        "drop index kv_expiration_ms_idx; create index kv_expiration_ms_idx on kv (expiration_ms, k)",
      );
    }
    const before = read(path, "pragma schema_version");
    assertEquals(narrowExpiryIndex(path), false);
    assertEquals(read(path, "pragma schema_version"), before);
    await Deno.writeTextFile(`${path}.text`, "no database, but long enough to be looked at".repeat(50));
    assertEquals(narrowExpiryIndex(`${path}.text`), false);
  }));
