/**
 * Settings of a session that acknowledged commits rest on. A role, a database or the options of a URL may have others,
 * and nothing would say so: each new connection sees to them before it is used.
 *
 * `synchronous_commit` is `on`, or what a standby was asked for besides (`remote_write`, `remote_apply`): with `off` the
 * server acknowledges what a crash of its own takes back, with `local` what a failover does. `client_min_messages` lets
 * warnings through: one of them alone says that a commit was not awaited on a standby. A statement by itself is READ
 * COMMITTED, on which what is argued for it stands (claims.ts), and which a standby grants: SERIALIZABLE it refuses.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";

/** Whether a connection is one session of the server, or each of its transactions may meet another one. */
export type Connection = "of a session" | "of transactions";

/** As libpq finds out for `target_session_attrs=read-write`. */
const TAKES_WRITES =
  "current_setting('transaction_read_only') = 'off' and not pg_is_in_recovery() as takes_writes";
const AWAITS = "current_setting('synchronous_commit') in ('on', 'remote_write', 'remote_apply')";
/** By itself, and first: a statement that reads anything would begin under the isolation that this ends. */
const READ_COMMITTED = "set session characteristics as transaction isolation level read committed";
/** Also where it is right already: a default that is changed later does not reach what a session has set. */
const SET = `select
  set_config('synchronous_commit',
    case when ${AWAITS} then current_setting('synchronous_commit') else 'on' end, false),
  set_config('client_min_messages', 'warning', false),
  ${TAKES_WRITES}`;
/** What is set for a session stays with the pooler's connection, which others get: there it is only looked at. */
const LOOK = `select ${AWAITS} as awaits,
  current_setting('client_min_messages') not in ('error', 'fatal', 'panic') as warns,
  ${TAKES_WRITES}`;

/**
 * Sees to the settings of a new connection; `run` gives the first row of a statement.
 * @returns Whether its server takes writes.
 * @throws {StoreOpenError} If they are wrong, and not this program's to set.
 */
export async function settle(
  run: (text: string) => Promise<Readonly<Record<string, unknown>> | undefined>,
  connection: Connection,
): Promise<{ readonly takesWrites: boolean }> {
  if (connection === "of a session") await run(READ_COMMITTED);
  const row = await run(connection === "of a session" ? SET : LOOK);
  if (row?.awaits === false) throw wrong("synchronous_commit = on");
  if (row?.warns === false) throw wrong("client_min_messages = warning");
  return { takesWrites: row?.takes_writes === true };
}

function wrong(setting: string): StoreOpenError {
  return new StoreOpenError(
    `PostgreSQL would acknowledge what may be lost, and a pooler of transactions keeps the service from setting that right: alter role ... set ${setting}, for the user in DIT_KV.`,
  );
}
