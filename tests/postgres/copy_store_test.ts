import { assertEquals, assertRejects } from "@std/assert";
import { copyStore } from "../../core/operations/actions/copy_store.ts";
import { AuditLog } from "../../core/operations/audit_log.ts";
import { readContents } from "../../core/operations/copy/contents.ts";
import type { ClaimingEngine } from "../../core/store/claims.ts";
import { openEngine } from "../../core/store/deno_kv/open.ts";
import { Store } from "../../core/store/store.ts";
import { withPostgres } from "../support/postgres/databases.ts";
import { plantCommits, PLANTED } from "../support/store/planted_commits.ts";
import { setRow } from "../support/store/rows.ts";

async function copy(from: Store, to: Store) {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const auditLog = new AuditLog(to, { random, now: () => 1_800_000_000 });
  return await copyStore({ name: "tests", via: "command" }, { from, to, auditLog, apps: [PLANTED.app] });
}

Deno.test("a store in a file is copied to PostgreSQL with the stamps of its rows, wherever that was cut off", () =>
  withPostgres(async (open) => {
    const source = await openEngine(":memory:");
    try {
      const from = new Store(source);
      await plantCommits(from, { commits: 700, rows: 1, records: 3 });
      const { rows } = await readContents(from);
      const newest = (await Array.fromAsync(from.list({ prefix: [] }), ({ stamp }) => stamp)).toSorted().at(
        -1,
      )!;
      const engine = await open();
      for (const loads of [1, 2]) {
        let left = loads;
        const to: ClaimingEngine = {
          limits: engine.limits,
          capabilities: engine.capabilities,
          get: (key) => engine.get(key),
          getMany: (keys) => engine.getMany(keys),
          list: (range, options) => engine.list(range, options),
          commit: (checks, writes) => engine.commit(checks, writes),
          load(entries) {
            if (left-- === 0) throw new Error("It is cut off here.");
            return engine.load!(entries);
          },
          close: () => {},
          claims: (calls) => engine.claims(calls),
        };
        await assertRejects(() => copy(from, new Store(to)));
      }
      const to = new Store(engine);
      const copied = await copy(from, to);
      assertEquals(copied.is === "done" && [copied.rows, copied.resumed, copied.audit.ok], [
        rows,
        1_500,
        true,
      ]);
      for await (const row of from.list({ prefix: ["l"] })) {
        assertEquals((await to.get(row.key)).stamp, row.stamp);
      }
      // What is committed from now on is later than all of them.
      assertEquals(await setRow(to, ["zz", "new"], 1) > newest, true);
    } finally {
      source.close();
    }
  }));

Deno.test("a commit that is too large for Deno KV comes back as several whose claims and records agree", () =>
  withPostgres(async (open) => {
    const from = new Store(await open());
    await plantCommits(from, { commits: 2, rows: 15, records: 60, bytes: 1_000 });
    const target = await openEngine(":memory:");
    try {
      const copied = await copy(from, new Store(target));
      assertEquals(copied.is === "done" && [copied.audit.ok, copied.audit.claims], [true, 1_800]);
    } finally {
      target.close();
    }
  }));
