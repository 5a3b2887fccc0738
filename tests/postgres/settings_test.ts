/** What a role, a database, a URL or the server itself may set that would let an acknowledged commit be lost. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { openPostgres } from "../../core/store/postgres/open.ts";
import { Pool } from "../../core/store/postgres/pool.ts";
import { startCluster } from "../support/postgres/cluster.ts";
import { withDatabase } from "../support/postgres/databases.ts";
import { NO_POOLER, startPooler } from "../support/postgres/pooler.ts";
import { startStandby } from "../support/postgres/standby.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

/** What a session of the service has. */
async function settingsOf(url: string): Promise<unknown[]> {
  const pool = new Pool(url);
  try {
    const [row] = await pool.query(
      `select current_setting('synchronous_commit') as commit, current_setting('client_min_messages') as messages,
        current_setting('transaction_isolation') as isolation`,
    );
    return [row?.commit, row?.messages, row?.isolation];
  } finally {
    pool.close();
  }
}

Deno.test("a session awaits its commits, hears warnings and reads what is committed, whatever the URL, the role, the database and the server say", () =>
  withDatabase(async (url, cluster) => {
    const database = url.split("/").at(-1) ?? "";
    const options = (...settings: string[]) =>
      `${url}?options=${encodeURIComponent(settings.map((setting) => `-c ${setting}`).join(" "))}`;
    const right = ["on", "warning", "read committed"];
    assertEquals(await settingsOf(url), right);
    assertEquals(await settingsOf(options("synchronous_commit=off", "client_min_messages=error")), right);
    assertEquals(await settingsOf(options("synchronous_commit=local")), right);
    // Those that a standby was asked for besides stay.
    for (const stronger of ["remote_apply", "remote_write"]) {
      assertEquals(await settingsOf(options(`synchronous_commit=${stronger}`)), [
        stronger,
        ...right.slice(1),
      ]);
    }
    for (const isolation of ["serializable", "repeatable\\ read"]) {
      assertEquals(await settingsOf(options(`default_transaction_isolation=${isolation}`)), right);
    }
    await cluster.sql("create role careless login");
    await cluster.sql("alter role careless set default_transaction_isolation = serializable");
    await cluster.sql("alter role careless set synchronous_commit = off");
    await cluster.sql(`alter database ${database} set client_min_messages = error`);
    assertEquals(await settingsOf(url.replace("dit@", "careless@")), right);
    // A session that is open already does not follow the server's file.
    const pool = new Pool(url);
    try {
      const [before] = await pool.query("show synchronous_commit");
      await cluster.sql("alter system set synchronous_commit = off");
      await cluster.sql("select pg_reload_conf()");
      const [after] = await pool.query("show synchronous_commit");
      assertEquals([before, after].map((row) => row?.synchronous_commit), ["on", "on"]);
      assertEquals(await settingsOf(url), right);
    } finally {
      pool.close();
      await cluster.sql("alter system reset synchronous_commit");
      await cluster.sql("select pg_reload_conf()");
    }
  }));

Deno.test("a replica is read though its database is serializable, which no standby can be", async () => {
  await using primary = await startCluster();
  const url = await primary.newDatabase();
  await using standby = await startStandby(primary);
  const store = await openPostgres(url);
  try {
    await store.commit([], [{ type: "set", key: ["test"], value: "there" }]);
  } finally {
    store.close();
  }
  const database = new URL(url).pathname.slice(1);
  await primary.sql(`alter database ${database} set default_transaction_isolation = serializable`);
  const lsn = (await primary.sql("select pg_current_wal_lsn()")).trim();
  await until(async () => (await standby.sql(`select pg_last_wal_replay_lsn() >= '${lsn}'`)).trim() === "t");
  const replica = await openPostgres(url.replace(`:${primary.port}/`, `:${standby.port}/`), {
    isReplica: true,
  });
  try {
    assertEquals((await replica.get(["test"])).value, "there");
  } finally {
    replica.close();
  }
});

Deno.test({
  name:
    "behind a pooler of transactions, where nothing can be set, a store with wrong settings is not opened",
  ignore: NO_POOLER !== undefined,
  fn: () =>
    withDatabase(async (url, cluster) => {
      await using pooler = await startPooler(cluster);
      const database = url.split("/").at(-1) ?? "";
      const behind = `${url.replace(/:\d+\//, `:${pooler.port}/`)}?pooler=transaction`;
      const wrong: [setting: string, mend: RegExp][] = [
        ["synchronous_commit = off", /alter role \.\.\. set synchronous_commit = on/],
        ["synchronous_commit = local", /alter role \.\.\. set synchronous_commit = on/],
        ["client_min_messages = error", /alter role \.\.\. set client_min_messages = warning/],
      ];
      const renew = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`;
      for (const [setting, mend] of wrong) {
        await cluster.sql(`alter database ${database} set ${setting}`);
        await cluster.sql(renew);
        const error = await assertRejects(() => openPostgres(behind), StoreOpenError);
        assertMatch(error.message, mend);
        assertEquals(error.mayPass, false);
        await cluster.sql(`alter database ${database} reset ${setting.split(" ")[0]}`);
      }
      await cluster.sql(renew);
      (await openPostgres(behind)).close();
    }),
});
