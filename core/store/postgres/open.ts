/**
 * Opens the database that a URL names, and sees to its tables.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import { PostgresEngine } from "./engine.ts";
import { isNotAllowed, sqlState } from "./errors.ts";
import { hasGrants } from "./grants.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { migrate, requireTables } from "./schema.ts";
import { LACKS_GRANTS, NO_RIGHT, type Rights, sentenceOf } from "./start_sentences.ts";
import { filesOfTls } from "./tls.ts";
import { nameOf, readAddress } from "./url.ts";

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

/**
 * What a process has to reach to use the database at a URL: `host:port`, variables, and files. `get` reads a variable:
 * where the URL has no password, `pg` looks for one in a file.
 */
export function reachesOf(
  url: string,
  get: (name: string) => string | undefined,
): { net: string[]; env: string[]; read: string[] } {
  const { servers, tls, password } = readAddress(url);
  const home = get("HOME");
  const passwords = get("PGPASSFILE") ?? (home === undefined ? undefined : `${home}/.pgpass`);
  return {
    net: servers.map(nameOf),
    env: [...VARIABLES],
    read: [...filesOfTls(tls), ...password === undefined && passwords !== undefined ? [passwords] : []],
  };
}

/** Whether the schema is there, and whether this user may look into it. */
const RIGHTS = `select count(*) > 0 as there, bool_or(has_schema_privilege(oid, 'usage')) as usage
  from pg_namespace where nspname = 'dit'`;

/** The engine is tried from there on; a server of before would fail at a statement, or later than at the start. */
const OLDEST = 14;
const IS_OLD = `select current_setting('server_version_num')::int < ${OLDEST}0000 as is_old`;

/** How a database is opened. */
interface OpenOptions extends PoolOptions {
  /** Nothing is written there: its tables are those that its primary has. */
  readonly isReplica?: boolean;
}

/**
 * Opens the database at a URL, `postgres://user@host:port/database`, and makes or migrates its tables.
 * @throws {StoreOpenError} If it cannot be reached or used; no message repeats the URL.
 */
export async function openPostgres(url: string, options: OpenOptions = {}): Promise<PostgresEngine> {
  const { isReplica = false } = options;
  const pool = new Pool(url, { ...options, readOnly: isReplica });
  try {
    const [server] = await pool.query(IS_OLD);
    if (server?.is_old === true) {
      throw new StoreOpenError(
        `PostgreSQL is older than ${OLDEST}: upgrade the server, or name another one in ${
          isReplica ? "DIT_KV_READ" : "DIT_KV"
        }.`,
      );
    }
    await (isReplica ? requireTables(pool) : migrate(pool));
    if (!await hasGrants(pool, isReplica)) throw new StoreOpenError(LACKS_GRANTS);
    return new PostgresEngine(pool);
  } catch (cause) {
    const rights = await rightsAfter(cause, pool);
    pool.close();
    if (cause instanceof StoreOpenError || isNotAllowed(cause)) throw cause;
    throw new StoreOpenError(...sentenceOf(cause, rights));
  }
}

/** What the user may do in the schema; undefined where that is not to be learned, or was not the matter. */
async function rightsAfter(error: unknown, pool: Pool): Promise<Rights | undefined> {
  if (sqlState(error) !== NO_RIGHT) return undefined;
  try {
    const [row] = await pool.query(RIGHTS);
    return row?.there !== true ? "no schema" : row?.usage === true ? "schema" : "no usage";
  } catch {
    return undefined;
  }
}
