/** What a role, a database, a URL or the server itself may set that would let an acknowledged commit be lost. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { openPostgres } from "../../core/store/postgres/open.ts";
import { Pool } from "../../core/store/postgres/pool.ts";
import { withDatabase } from "../support/postgres/databases.ts";
import { NO_POOLER, startPooler } from "../support/postgres/pooler.ts";

/** What a session of the service has. */
async function settingsOf(url: string): Promise<unknown[]> {
  const pool = new Pool(url);
  try {
    const [row] = await pool.query(
      "select current_setting('synchronous_commit') as commit, current_setting('client_min_messages') as messages",
    );
    return [row?.commit, row?.messages];
  } finally {
    pool.close();
  }
}

Deno.test("a session awaits its commits and hears warnings, whatever the URL, the role, the database and the server say", () =>
  withDatabase(async (url, cluster) => {
    const database = url.split("/").at(-1) ?? "";
    const options = (...settings: string[]) =>
      `${url}?options=${encodeURIComponent(settings.map((setting) => `-c ${setting}`).join(" "))}`;
    const right = ["on", "warning"];
    assertEquals(await settingsOf(url), right);
    assertEquals(await settingsOf(options("synchronous_commit=off", "client_min_messages=error")), right);
    assertEquals(await settingsOf(options("synchronous_commit=local")), right);
    // Those that a standby was asked for besides stay.
    for (const stronger of ["remote_apply", "remote_write"]) {
      assertEquals(await settingsOf(options(`synchronous_commit=${stronger}`)), [stronger, "warning"]);
    }
    await cluster.sql("create role careless login");
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
