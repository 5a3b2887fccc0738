/** The roles of docs/postgresql.md: what is written there is granted here, and no more. */
import { assertEquals, assertRejects } from "@std/assert";
import { openPostgres } from "../../core/store/postgres/open.ts";
import { withDatabase } from "../support/postgres/databases.ts";
import { statementsOf } from "../support/postgres/statements_of.ts";

Deno.test("the service's role of docs/postgresql.md serves, and can neither make nor drop nor change a table", () =>
  withDatabase(async (url, cluster) => {
    const database = url.split("/").at(-1) ?? "";
    const as = (role: string) => url.replace("dit@", `${role}@`);
    const psql = (role: string, text: string) =>
      cluster.program("psql", database, "-q", "-v", "ON_ERROR_STOP=1", "-U", role, "-At", "-c", text);
    const [roles = "", grants = ""] = await statementsOf("Roles");
    await cluster.sql(`${roles.replace("database dit", `database ${database}`)}`);
    // No role has a right in the schema that every database has.
    (await openPostgres(as("dit_owner"))).close();
    const early = await assertRejects(() => openPostgres(as("dit_service")), Error);
    assertEquals(early.message.includes("GRANT USAGE ON SCHEMA dit"), true, early.message);
    await psql("dit_owner", "grant usage on schema dit to dit_service");
    const late = await assertRejects(() => openPostgres(as("dit_service")), Error);
    assertEquals(late.message.includes("run the grants of docs/postgresql.md"), true, late.message);
    await cluster.sql("create role dit_nobody login");
    const nobody = `${await cluster.newDatabase()}`.replace("dit@", "dit_nobody@");
    const none = await assertRejects(() => openPostgres(nobody), Error);
    assertEquals(none.message.includes("grant it CREATE on the database"), true, none.message);
    await psql("dit_owner", grants);
    for (const pace of await statementsOf("Vacuum")) await psql("dit_owner", pace);

    const engine = await openPostgres(as("dit_service"));
    try {
      const id = (ordinal: number) => Uint8Array.of(0, 0, 0, ordinal, 1);
      const claim = ["c", id(1)];
      const guard = { key: ["a", 1], stamp: "" };
      const alive = await engine.commit([{ key: guard.key, stamp: null }], [
        { type: "set", key: guard.key, value: 1 },
      ]);
      assertEquals(alive.ok, true);
      const call = <T>(begin: () => Promise<T>) => begin();
      const claims = engine.claims({ read: call, write: call });
      const group = [{
        key: claim,
        value: Uint8Array.of(1),
        guard: { key: guard.key, stamp: alive.ok ? alive.stamp : "" },
      }];
      const record = { type: "set", key: ["l", "notes", 20_000, Uint8Array.of(1)], value: Uint8Array.of(2) };
      assertEquals((await claims.claimGroup(group, () => [record as never])).map(({ is }) => is), [
        "accepted",
      ]);
      assertEquals((await claims.claimGroup(group, () => [])).map(({ is }) => is), ["taken"]);
      assertEquals((await engine.list({ prefix: [] }, { limit: 10 })).entries.length, 3);
      const ofKey = { start: ["c", Uint8Array.of(0, 0, 0, 1)], end: ["c", Uint8Array.of(0, 0, 0, 2)] };
      assertEquals(await engine.clear?.(ofKey), 1);
      for (
        const forbidden of [
          "drop table dit.rows",
          "drop table dit.claims",
          "drop table dit.records_20000",
          "alter table dit.rows set (fillfactor = 50)",
          "create table dit.mine (a int)",
          "truncate dit.rows",
          "truncate dit.claims",
          "update dit.version set version = 0",
          "select setval('dit.stamps', 1)",
          "select dit.drop_partition(0, false)",
        ]
      ) await assertRejects(() => psql("dit_service", forbidden), Error, "ERROR", forbidden);
    } finally {
      engine.close();
    }
  }));

Deno.test("who may only look can neither make nor drop partitions", () =>
  withDatabase(async (url, cluster) => {
    (await openPostgres(url)).close();
    const database = url.split("/").at(-1) ?? "";
    await cluster.sql("create role looker login");
    await cluster.program("psql", database, "-q", "-c", "grant usage on schema dit to looker");
    for (const call of ["dit.make_partition(9)", "dit.drop_partition(9, true)"]) {
      await assertRejects(
        () =>
          cluster.program("psql", database, "-v", "ON_ERROR_STOP=1", "-U", "looker", "-c", `select ${call}`),
        Error,
        "permission denied",
      );
    }
  }));
