/** What is right only because of a lock or an isolation: two transactions are made to meet where it would go wrong. */
import { assertEquals, assertRejects } from "@std/assert";
import type { ClaimingEngine, Guard } from "../../core/store/claims.ts";
import { openPostgres } from "../../core/store/postgres/open.ts";
import { Pool, sqlState } from "../../core/store/postgres/pool.ts";
import { withDatabase, withPostgres } from "../support/postgres/databases.ts";
import { hold, untilWaiting } from "../support/postgres/held.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const ALIVE = ["alive", 1];
const CALLS = { read: <T>(call: () => Promise<T>) => call(), write: <T>(call: () => Promise<T>) => call() };
/** All claims of key 1. */
const OF_KEY = { start: ["c", Uint8Array.of(0, 0, 0, 1)], end: ["c", Uint8Array.of(0, 0, 0, 2)] };
const keyOf = (name: string) => ["c", Uint8Array.of(0, 0, 0, 1, ...new TextEncoder().encode(name))];

async function comeAlive(engine: ClaimingEngine): Promise<Guard> {
  const done = await engine.commit([], [{ type: "set", key: ALIVE, value: true }]);
  if (!done.ok) throw new Error("The key did not come alive.");
  return { key: ALIVE, stamp: done.stamp };
}

/** Claims a group; what became of each, and by whose value what was taken is taken. */
async function claim(engine: ClaimingEngine, guard: Guard, names: string, by = 1): Promise<string[]> {
  const group = [...names].map((name) => ({ key: keyOf(name), value: Uint8Array.of(by), guard }));
  const claimed = await engine.claims(CALLS).claimGroup(group, () => []);
  return claimed.map((one) => one.is === "taken" ? `taken by ${one.value as Uint8Array}` : one.is);
}

const set = (key: readonly (string | number)[], value: unknown) => ({ type: "set" as const, key, value });
const isThere = async (engine: ClaimingEngine, key: Parameters<ClaimingEngine["get"]>[0]) =>
  (await engine.get(key)).stamp !== null;

for (
  const [how, end] of [["deleted", { type: "delete", key: ALIVE }], [
    "written anew",
    set(ALIVE, false),
  ]] as const
) {
  Deno.test(`a claim that meets the end of its key: one whose row is being ${how} lets no claim through`, () =>
    withPostgres(async (open, url, cluster) => {
      const engine = await open();
      const guard = await comeAlive(engine);
      assertEquals(await claim(engine, guard, "a"), ["accepted"]);
      const ending = await hold(url, "serializable", (other) => other.commit([guard], [end]));
      const late = claim(engine, guard, "ab");
      await untilWaiting(cluster, url, 1);
      await ending.commit();
      assertEquals(await late, ["taken by 1", "guard_over"]);
      assertEquals(await isThere(engine, keyOf("b")), false);
    }));

  Deno.test(`the end of a key that meets a claim: a row that is to be ${how} waits until the claim is true`, () =>
    withPostgres(async (open, url, cluster) => {
      const engine = await open();
      const guard = await comeAlive(engine);
      assertEquals(await claim(engine, guard, "a"), ["accepted"]);
      const claiming = await hold(url, "read committed", (other) => claim(other, guard, "b"));
      const ending = engine.commit([guard], [end]);
      await untilWaiting(cluster, url, 1);
      await claiming.commit();
      assertEquals((await ending).ok, true);
      assertEquals(await isThere(engine, keyOf("b")), true);
      assertEquals(await claim(engine, guard, "c"), ["guard_over"]);
    }));
}

Deno.test("groups that overlap in opposite order: one has all, and the server never has to end one", () =>
  withPostgres(async (open, url, cluster) => {
    const [one, two] = [await open(), await open()];
    const guard = await comeAlive(one);
    assertEquals(await claim(one, guard, "0"), ["accepted"]);
    const middle = await hold(url, "read committed", (other) => claim(other, guard, "m", 9));
    const first = claim(one, guard, "amz", 1);
    await untilWaiting(cluster, url, 1);
    const second = claim(two, guard, "zma", 2);
    await untilWaiting(cluster, url, 2);
    await middle.rollback();
    assertEquals([await first, await second], [
      ["accepted", "accepted", "accepted"],
      ["taken by 1", "taken by 1", "taken by 1"],
    ]);
    const deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    const pool = new Pool(url);
    assertEquals((await pool.query(deadlocks))[0]?.deadlocks, "0");
    pool.close();
  }));

Deno.test("a group that overlaps with one that is not true yet: it waits, and what it could have is free again", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const guard = await comeAlive(engine);
    assertEquals(await claim(engine, guard, "0"), ["accepted"]);
    const other = await hold(url, "read committed", (other) => claim(other, guard, "b", 2));
    const group = claim(engine, guard, "abc");
    await untilWaiting(cluster, url, 1);
    await other.commit();
    assertEquals(await group, ["free", "taken by 2", "free"]);
    assertEquals(await claim(engine, guard, "ac"), ["accepted", "accepted"]);
  }));

Deno.test("two commits, each of which checks that what the other writes is not there: one of them holds", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const absent = (key: readonly string[]) => ({ key, stamp: null });
    const blocked = await hold(url, "read committed", (other) => other.commit([], [set(["blocked"], 1)]));
    // It has found that there is no "a", and waits before it is true.
    const first = engine.commit([absent(["a"])], [set(["b"], 1), set(["blocked"], 2)]);
    await untilWaiting(cluster, url, 1);
    assertEquals((await (await open()).commit([absent(["b"])], [set(["a"], 1)])).ok, true);
    await blocked.rollback();
    assertEquals(await first, { ok: false });
    assertEquals(await isThere(engine, ["b"]), false);
  }));

Deno.test("a commit that rests on a row which is being changed: it fails, and not on what was before", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const guard = await comeAlive(engine);
    const change = await hold(url, "serializable", (other) => other.commit([guard], [set(ALIVE, "other")]));
    const late = engine.commit([guard], [set(ALIVE, "late")]);
    await untilWaiting(cluster, url, 1);
    await change.commit();
    assertEquals(await late, { ok: false });
    assertEquals((await engine.get(ALIVE)).value, "other");
  }));

Deno.test("a key twice in one commit, written and removed: the later holds, as one that is there and as one that is not", () =>
  withPostgres(async (open) => {
    const engine = await open();
    const [key, other] = [["twice"], ["other"]];
    await engine.commit([], [set(other, 1)]);
    const check = { key, stamp: null };
    const writes = [
      set(key, 1),
      { type: "delete" as const, key },
      { type: "delete" as const, key: other },
      set(other, 2),
    ];
    assertEquals((await engine.commit([check, check], writes)).ok, true);
    assertEquals(await isThere(engine, key), false);
    assertEquals((await engine.get(other)).value, 2);
  }));

Deno.test("a partition that goes while claims come: those before go with it, those behind have a new one", () =>
  withPostgres(async (open, url, cluster) => {
    const [engine, other] = [await open(), await open()];
    const guard = await comeAlive(engine);
    assertEquals(await claim(engine, guard, "a"), ["accepted"]);
    const claiming = await hold(url, "read committed", (other) => claim(other, guard, "b"));
    const dropping = engine.clear?.(OF_KEY);
    await untilWaiting(cluster, url, 1);
    const late = claim(other, guard, "bc");
    await claiming.commit();
    // It may have given up on a table that is so busy; then it comes again, as maintenance does.
    if (await dropping === undefined) await until(async () => await engine.clear?.(OF_KEY) !== undefined);
    const answers = await late;
    assertEquals(["accepted,accepted", "taken by 1,free"].includes(answers.join()), true, answers.join());
    const again = await Promise.all([..."abcdefgh"].map((name) => claim(other, guard, name, 2)));
    assertEquals(new Set(again.flat()).isSubsetOf(new Set(["accepted", "taken by 1"])), true);
  }));

Deno.test("processes that make the tables at once: one makes them, and the others find them", () =>
  withDatabase(async (url, cluster) => {
    const pool = new Pool(url);
    // In the middle of what it does, as the first of them.
    const first = await hold(
      url,
      "read committed",
      (_, query) => query("select pg_advisory_xact_lock(x'444954'::int)"),
    );
    const opening = Array.from({ length: 4 }, () => openPostgres(url));
    await untilWaiting(cluster, url, opening.length);
    await first.rollback();
    const engines = await Promise.all(opening);
    assertEquals((await pool.query("select count(*)::int as rows from dit.version"))[0]?.rows, 1);
    assertEquals(
      await Promise.all(engines.map((engine) => isThere(engine, ["none"]))),
      engines.map(() => false),
    );
    for (const engine of engines) engine.close();
    pool.close();
  }));

Deno.test("a backend that is ended before its commit is true: nothing of it is there, and it may come again", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const guard = await comeAlive(engine);
    assertEquals(await claim(engine, guard, "0"), ["accepted"]);
    const middle = await hold(url, "read committed", (other) => claim(other, guard, "m", 9));
    const group = assertRejects(() => claim(engine, guard, "amz"));
    await untilWaiting(cluster, url, 1);
    await cluster.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'",
    );
    assertEquals(sqlState(await group), "57P01");
    await middle.rollback();
    for (const name of "amz") assertEquals(await isThere(engine, keyOf(name)), false);
    assertEquals(await claim(engine, guard, "amz"), ["accepted", "accepted", "accepted"]);
  }));

Deno.test("a backend that is ended after its commit is true and before it says so: the claim is found as its own", () =>
  withPostgres(async (open, _, cluster) => {
    const engine = await open();
    const guard = await comeAlive(engine);
    assertEquals(await claim(engine, guard, "0"), ["accepted"]);
    const waitForNobody = async (name: string) => {
      await cluster.sql(`alter system set synchronous_standby_names = '${name}'`);
      await cluster.sql("select pg_reload_conf()");
      await until(async () => (await cluster.sql("show synchronous_standby_names")).trim() === name);
    };
    await waitForNobody("nobody");
    try {
      // It is written down, and waits for a standby that there is not.
      const group = assertRejects(() => claim(engine, guard, "ab"));
      const waits = "from pg_stat_activity where wait_event = 'SyncRep'";
      await until(async () => Number(await cluster.sql(`select count(*) ${waits}`)) === 1);
      await cluster.sql(`select pg_terminate_backend(pid) ${waits}`);
      await group;
    } finally {
      await waitForNobody("");
    }
    assertEquals(await claim(await open(), guard, "ab"), ["taken by 1", "taken by 1"]);
  }));

Deno.test("a backend that is ended between two statements of a transaction: the call fails, and the process goes on", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const held = await hold(url, "serializable", (other) => other.commit([], [set(["held"], 1)]));
    const idle = "from pg_stat_activity where state = 'idle in transaction'";
    await cluster.sql(`select pg_terminate_backend(pid) ${idle}`);
    await until(async () => Number(await cluster.sql(`select count(*) ${idle}`)) === 0);
    await assertRejects(() => held.commit());
    assertEquals(await isThere(engine, ["held"]), false);
  }));

Deno.test("a group that waits for a commit which waits for the group: the server ends the group, and it is sent again", () =>
  withPostgres(async (open, url, cluster) => {
    const engine = await open();
    const guard = await comeAlive(engine);
    assertEquals(await claim(engine, guard, "0"), ["accepted"]);
    const middle = await hold(url, "read committed", (other) => claim(other, guard, "m", 9));
    const [hasLast, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const crossing = hold(url, "read committed", async (other, query) => {
      // The server ends whoever looks first: it shall be the group.
      await query("set local deadlock_timeout = '1h'");
      await claim(other, guard, "z", 2);
      hasLast.resolve();
      await mayGoOn.promise;
      return await claim(other, guard, "a", 2);
    });
    await hasLast.promise;
    const group = claim(engine, guard, "amz", 1);
    await untilWaiting(cluster, url, 1);
    mayGoOn.resolve();
    await untilWaiting(cluster, url, 2);
    await middle.rollback();
    const other = await crossing;
    assertEquals(other.result, ["accepted"]);
    const deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    const pool = new Pool(url);
    await until(async () => (await pool.query(deadlocks))[0]?.deadlocks === "1");
    pool.close();
    await other.commit();
    assertEquals(await group, ["taken by 2", "free", "taken by 2"]);
    assertEquals(await claim(engine, guard, "m"), ["accepted"]);
  }));

for (const isolation of ["repeatable read", "serializable"]) {
  Deno.test(`processes whose role is ${isolation} behind a pooler: each claim has one winner, who keeps it`, () =>
    withPostgres(async (open, url) => {
      const guard = await comeAlive(await open());
      const option = `-c default_transaction_isolation=${isolation.replace(" ", "\\ ")}`;
      const theirs = `${url}?pooler=transaction&options=${encodeURIComponent(option)}`;
      const engines = await Promise.all([1, 2, 3].map(() => openPostgres(theirs)));
      try {
        const names = [..."abcdefghijklmnopqrstuvwxyz"];
        /** Until each claim is answered, as the committer does it. */
        const claimAll = async (engine: ClaimingEngine, by: number): Promise<Map<string, string>> => {
          const answers = new Map<string, string>();
          while (answers.size < names.length) {
            const left = names.filter((name) => !answers.has(name)).slice(0, 7);
            const claimed = await claim(engine, guard, left.join(""), by);
            for (const [index, answer] of claimed.entries()) {
              if (answer !== "free") answers.set(left[index] ?? "", answer);
            }
          }
          return answers;
        };
        const all = await Promise.all(engines.map((engine, by) => claimAll(engine, by)));
        for (const name of names) {
          const answers = all.map((answers) => answers.get(name));
          const winner = answers.indexOf("accepted");
          const expected = all.map((_, by) => by === winner ? "accepted" : `taken by ${winner}`);
          assertEquals(answers, expected, name);
        }
      } finally {
        for (const engine of engines) engine.close();
      }
    }));
}

Deno.test("tables that version 1 made: they are migrated with what is in them, beside a process that still runs", () =>
  withDatabase(async (url, cluster) => {
    const running = await openPostgres(url);
    const name = new URL(url).pathname.slice(1);
    const before = await Deno.readTextFile(new URL("written_before/claim_version_1.sql", import.meta.url));
    await cluster.sql(`${before}; update dit.version set version = 1`, name);
    const bodyOf = "select prosrc from pg_proc where oid = 'dit.claim'::regproc";
    const old = await cluster.sql(bodyOf, name);
    const guard = await comeAlive(running);
    assertEquals(await claim(running, guard, "ab"), ["accepted", "accepted"]);
    const migrated = await openPostgres(url);
    try {
      assertEquals(await cluster.sql(bodyOf, name) === old, false);
      assertEquals((await cluster.sql("select version from dit.version", name)).trim(), "2");
      assertEquals(await claim(migrated, guard, "bc", 2), ["taken by 1", "free"]);
      assertEquals(await claim(running, guard, "cd", 1), ["accepted", "accepted"]);
      assertEquals(await claim(migrated, guard, "ad", 2), ["taken by 1", "taken by 1"]);
    } finally {
      running.close();
      migrated.close();
    }
  }));
