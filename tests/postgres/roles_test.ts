/** The roles of docs/postgresql.md: what is written there is granted here, and no more. */
import { assertEquals, assertRejects } from "@std/assert";
import { StoreOpenError } from "../../core/store/open_error.ts";
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

/** Every right that there is in the schema, as the catalog has them; a function may be called by whoever is not kept out. */
const RIGHTS = `select of_right || ' on ' || of_what from (
  select unnest(case when relname = 'version' then array['select']
    when relkind = 'S' then array['usage'] else array['select', 'insert', 'update', 'delete'] end),
    case when relkind = 'S' then 'sequence ' else '' end || oid::regclass
    from pg_class where relnamespace = 'dit'::regnamespace and relkind in ('r', 'p', 'S') and not relispartition
  union all select 'execute', 'function ' || oid::regprocedure from pg_proc where pronamespace = 'dit'::regnamespace
) rights (of_right, of_what) order by 1`;

Deno.test("a start with any one right too few is refused, and one of a replica that lacks what reads", () =>
  withDatabase(async (url, cluster) => {
    (await openPostgres(url)).close();
    const database = url.split("/").at(-1) ?? "";
    const [, grants = ""] = await statementsOf("Roles");
    const [ofReader = ""] = await statementsOf("Replicas");
    const sql = (text: string) => cluster.sql(text, database);
    const as = (role: string) => url.replace("dit@", `${role}@`);
    await sql(`create role partly login; create role reads login;
      ${grants.replaceAll("dit_service", "partly")}
      ${ofReader.replace(/^create role.*$/m, "").replaceAll("dit_reader", "reads")}`);
    const service = () => openPostgres(as("partly"));
    const replica = () => openPostgres(as("reads"), { isReplica: true });
    const refused = async (open: typeof service, right: string) => {
      const error = await assertRejects(open, StoreOpenError, "grants of docs/postgresql.md", right);
      assertEquals(error.mayPass, false, right);
    };
    const rights = (await sql(RIGHTS)).trim().split("\n");
    assertEquals(rights.length, 26, rights.join("\n"));
    const ofReads =
      /^(select|usage on schema) |function (dit\.)?(find|ordinals_of|days_of|list_claims|list_records)\(/;
    for (const right of [...rights, "usage on schema dit"]) {
      const readers = ofReads.test(right) ? ", reads" : "";
      const everybody = right.startsWith("execute") ? ", public" : "";
      await sql(`revoke ${right} from partly${readers}${everybody}`);
      await refused(service, right);
      if (readers !== "") await refused(replica, right);
      else (await replica()).close();
      await sql(`grant ${right} to partly${readers}`);
    }
    (await service()).close();
    (await replica()).close();
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
