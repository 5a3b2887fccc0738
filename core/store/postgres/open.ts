/**
 * Opens the database that a URL names, and sees to its tables.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import { PostgresEngine } from "./engine.ts";
import { Pool, type PoolOptions, sqlState } from "./pool.ts";
import { migrate } from "./schema.ts";

/** Whether `location` is the URL of a PostgreSQL database. */
export function isPostgres(location: string | undefined): location is string {
  return location !== undefined && /^postgres(ql)?:\/\//.test(location);
}

/** Variables that `pg` reads, besides what a URL says. */
const VARIABLES = [
  ...["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGPASSFILE", "PGPASS_NO_DEESCAPE"],
  ...["PGSSLMODE", "PGSSLNEGOTIATION", "PGOPTIONS", "PGAPPNAME", "PGBINARY", "PGCLIENT_ENCODING"],
  ...["PGREPLICATION", "PGCONNECT_TIMEOUT", "NODE_PG_FORCE_NATIVE", "USER", "USERNAME", "HOME"],
];

/** What a process has to reach to use the database at a URL: `host:port`, variables, and files. */
export function reachesOf(url: string): { net: string[]; env: string[]; read: string[] } {
  const { hostname, port, searchParams } = new URL(url);
  return {
    net: [`${hostname}:${port === "" ? 5432 : port}`],
    env: [...VARIABLES],
    read: ["sslrootcert", "sslcert", "sslkey"].flatMap((name) => searchParams.get(name) ?? []),
  };
}

/** What the server says of a start that cannot work: a wrong password, no such database, no right to make tables. */
const MISTAKES: Readonly<Record<string, string>> = {
  "28P01": "PostgreSQL refuses the password: see DIT_KV, PGPASSFILE or PGPASSWORD.",
  "28000": "PostgreSQL lets this user not in from here: see its pg_hba.conf and the user in DIT_KV.",
  "3D000": "PostgreSQL has no such database: make it with createdb, or name another one in DIT_KV.",
  "42501":
    "PostgreSQL lets this user make no tables: grant it CREATE on the database, or start once as its owner.",
};

/**
 * Opens the database at a URL, `postgres://user@host:port/database`, and makes or migrates its tables.
 * @throws {StoreOpenError} If it cannot be reached or used; no message repeats the URL.
 */
export async function openPostgres(url: string, options: PoolOptions = {}): Promise<PostgresEngine> {
  let pool: Pool;
  try {
    pool = new Pool(url, options);
  } catch (cause) {
    throw new StoreOpenError("DIT_KV is no URL of PostgreSQL: postgres://user@host:5432/database.", {
      cause,
    });
  }
  try {
    await migrate(pool);
    return new PostgresEngine(pool);
  } catch (cause) {
    pool.close();
    if (cause instanceof StoreOpenError || cause instanceof Deno.errors.NotCapable) throw cause;
    const mistake = MISTAKES[sqlState(cause) ?? ""];
    throw new StoreOpenError(
      mistake ??
        "PostgreSQL does not answer: see that the server which DIT_KV names runs and is reached from here.",
      { cause, mayPass: mistake === undefined },
    );
  }
}
