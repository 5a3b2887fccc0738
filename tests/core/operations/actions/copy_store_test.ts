import { assertEquals, assertRejects } from "@std/assert";
import { type CopyOrder, copyStore } from "../../../../core/operations/actions/copy_store.ts";
import { AuditLog } from "../../../../core/operations/audit_log.ts";
import { readContents } from "../../../../core/operations/copy/contents.ts";
import { readCopyMark } from "../../../../core/operations/copy/copy_mark.ts";
import { STORE_COPIES } from "../../../../core/store/families.ts";
import { StoreMoved } from "../../../../core/store/moved.ts";
import type { ClaimingEngine } from "../../../../core/store/claims.ts";
import { concat, u16, u32 } from "../../../../core/base/bytes.ts";
import { ALIVE_KEYS } from "../../../../core/keys/families.ts";
import { CLAIMS } from "../../../../core/ledger/families.ts";
import { StoreUnavailable } from "../../../../core/store/breaker.ts";
import { openEngine } from "../../../../core/store/deno_kv/open.ts";
import { Store } from "../../../../core/store/store.ts";
import { plantCommits, PLANTED } from "../../../support/store/planted_commits.ts";
import { setRow } from "../../../support/store/rows.ts";

const ACTOR = { name: "tests", via: "command" } as const;

/** An engine whose commits fail once so many went through. */
function breaking(engine: ClaimingEngine, commits: number): ClaimingEngine {
  return {
    limits: engine.limits,
    capabilities: engine.capabilities,
    get: (key) => engine.get(key),
    getMany: (keys) => engine.getMany(keys),
    list: (range, options) => engine.list(range, options),
    commit: (checks, writes) => {
      if (commits-- <= 0) throw new Error("It is cut off here.");
      return engine.commit(checks, writes);
    },
    close: () => {},
    claims: (calls) => engine.claims(calls),
  };
}

async function withStores(
  run: (
    from: Store,
    engine: ClaimingEngine,
    copy: (to: Store, changes?: Partial<CopyOrder>) => ReturnType<typeof copyStore>,
  ) => Promise<void>,
): Promise<void> {
  const [source, target] = [await openEngine(":memory:"), await openEngine(":memory:")];
  try {
    const from = new Store(source);
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    await run(from, target, (to, changes = {}) =>
      copyStore(ACTOR, {
        from,
        to,
        auditLog: new AuditLog(to, { random, now: () => 1_800_000_000 }),
        apps: [PLANTED.app],
        ...changes,
      }));
  } finally {
    source.close();
    target.close();
  }
}

Deno.test("copyStore() keeps rows of one commit together, in slices, wherever it was cut off", () =>
  withStores(async (from, engine, copy) => {
    await plantCommits(from, { commits: 40, rows: 1, records: 3 });
    await setRow(from, ["zz", "notes"], { secret: Uint8Array.of(1, 2), generations: new Map([[1, "one"]]) });
    const { rows, digest } = await readContents(from);
    // Every commit of the copy is one at which it is cut off, and it goes on each time.
    let cuts = 0;
    for (let commits = 1;; commits += 2, cuts++) {
      const done = await copy(new Store(breaking(engine, commits)), { rowsOfASlice: 60 }).catch(() =>
        undefined
      );
      if (done === undefined) {
        const mark = await readCopyMark(new Store(engine));
        // Cut off behind the last step, it is whole, and lacks an entry of the audit log.
        if (mark === null && (await readCopyMark(from))?.is === "moved") break;
        assertEquals(mark?.is, "arriving");
        continue;
      }
      assertEquals([done.is, done.is === "done" && [done.rows, done.audit.ok, done.audit.claims]], [
        "done",
        [rows, true, 120],
      ]);
      break;
    }
    assertEquals(cuts > 5, true);
    assertEquals(await readCopyMark(from), { is: "moved" });
    const to = new Store(engine);
    assertEquals(await readCopyMark(to), null);
    // The audit log says so; all else is as it was.
    for await (const { key } of to.list({ prefix: [] })) {
      if (key[0] === "u" || key[0] === "w") await to.commit((commit) => commit.delete(key));
    }
    assertEquals((await readContents(to)).digest, digest);
  }));

Deno.test("copyStore() writes nothing where the target has rows of another store, or the source was moved", () =>
  withStores(async (from, engine, copy) => {
    const to = new Store(engine);
    assertEquals(await copy(to), { is: "refused", because: "source_empty" });
    await plantCommits(from, { commits: 2, rows: 1, records: 2 });
    await setRow(to, ["zz", "other"], 1);
    const before = await readContents(to);
    assertEquals(await copy(to), { is: "refused", because: "target_occupied" });
    assertEquals([await readContents(to), await readCopyMark(to)], [before, null]);
    await to.commit((commit) => commit.delete(["zz", "other"]));

    // Cut off, and then the source goes on without it.
    await assertRejects(() => copy(new Store(breaking(engine, 2))));
    await setRow(from, ["zz", "notes"], 1);
    assertEquals(await copy(to), { is: "refused", because: "target_of_another" });
    for await (const { key } of to.list({ prefix: [] })) await to.commit((commit) => commit.delete(key));
    await setRow(from, STORE_COPIES.key(), { is: "moved" });
    assertEquals(await copy(to), { is: "refused", because: "source_moved" });
    await setRow(from, STORE_COPIES.key(), { is: "arriving", source: "x", reached: { rows: 0 } });
    assertEquals(await copy(to), { is: "refused", because: "source_not_whole" });
    assertEquals((await readContents(to)).rows, 0);
  }));

Deno.test("copyStore() says so when the source changes meanwhile, and leaves neither served by mistake", () =>
  withStores(async (from, engine, copy) => {
    await plantCommits(from, { commits: 3, rows: 1, records: 2 });
    const to = new Store(engine);
    const copied = await copy(to, { settle: async () => void await setRow(from, ["zz", "late"], 1) });
    assertEquals(copied, { is: "failed", because: "changed" });
    assertEquals([await readCopyMark(from), (await readCopyMark(to))?.is], [null, "arriving"]);
  }));

/** A process that still runs on the source: it has read what its claims rest on before anybody moved anything. */
async function startRunning(from: Store) {
  const key = ALIVE_KEYS.key(PLANTED.ordinal);
  await setRow(from, key, true);
  const { stamp } = await from.get(key);
  const guard = { key, stamp: stamp ?? "" };
  let use = 0;
  return {
    guard,
    async claim(): Promise<string | undefined> {
      const id = concat(u32(PLANTED.ordinal), new Uint8Array(16), u16(use++));
      const [claimed] = await from.claims.claimGroup(
        [{ key: CLAIMS.key(id), value: new Uint8Array(21), guard }],
        () => [],
      );
      return claimed?.is;
    },
  };
}

Deno.test("copyStore() lets no claim through that a process of the source had prepared, and tells it why", () =>
  withStores(async (from, engine, copy) => {
    await plantCommits(from, { commits: 3, rows: 1, records: 2 });
    const { guard, claim } = await startRunning(from);
    const to = new Store(engine);
    const heard: (string | undefined)[] = [];
    const copied = await copy(to, {
      async settle() {
        heard.push(await claim());
        await assertRejects(() => from.requireOver(guard), StoreMoved, "The store was moved");
        // From then on it sends no write any more, of whatever kind.
        await assertRejects(() => claim(), StoreMoved);
        await assertRejects(() => setRow(from, ["zz", "late"], 1), StoreMoved);
      },
    });
    assertEquals([copied.is, heard, from.moved], ["done", ["guard_over"], true]);
    await assertRejects(() => new Store(engine).requireOver({ ...guard, stamp: "0" }), StoreUnavailable);
  }));

Deno.test("copyStore() that fails gives the source back to the processes that run on it", () =>
  withStores(async (from, engine, copy) => {
    await plantCommits(from, { commits: 3, rows: 1, records: 2 });
    const { guard, claim } = await startRunning(from);
    const copied = await copy(new Store(engine), {
      settle: async () => void await setRow(from, ["zz", "late"], 1),
    });
    assertEquals(copied, { is: "failed", because: "changed" });
    // The key lives on under a new row: nothing is refused for good, and what is read anew claims again.
    assertEquals(await claim(), "guard_over");
    const { is, why } = await from.requireOver(guard).then(
      () => ({ is: "over", why: "" }),
      (error) => ({ is: error instanceof StoreMoved ? "moved" : "there", why: error.why }),
    );
    assertEquals([is, why, from.moved], ["there", "refused", false]);
    const { stamp } = await from.get(guard.key);
    guard.stamp = stamp ?? "";
    assertEquals(await claim(), "accepted");
  }));
