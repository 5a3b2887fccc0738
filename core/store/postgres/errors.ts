/**
 * What errors of npm `pg` and of the server say about a connection and its server.
 *
 * @module
 */

/** The SQLSTATE with which the server refused a statement; undefined where it was not the server. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  // A few errors of the system, such as EPIPE, have five letters as well; only a server's has a severity.
  const isOfServer = typeof (error as { severity?: unknown } | undefined)?.severity === "string";
  return isOfServer && typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** read_only_sql_transaction, crash_shutdown and cannot_connect_now: another server has to be found, or this one again. */
const SERVER_LOST: readonly (string | undefined)[] = ["25006", "57P02", "57P03"];
/** admin_shutdown, and the session's own ends (idle_in_transaction_session_timeout and idle_session_timeout). */
const CONNECTION_LOST: readonly (string | undefined)[] = ["57P01", "25P03", "57P05"];

/** Whether a connection with this error is not used again: it broke, or its server ends it. */
export function breaksConnection(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || state.startsWith("08") || CONNECTION_LOST.includes(state) ||
    SERVER_LOST.includes(state);
}

/** Whether a statement with this error says that its server is gone for all connections. */
export function losesServer(error: unknown): boolean {
  return SERVER_LOST.includes(sqlState(error)) || isOverdue(error);
}

/** Whether an attempt to connect with this error says that of the server, and not that it is busy or this pool is. */
export function isUnreachable(error: unknown): boolean {
  const isBusy = sqlState(error)?.startsWith("53") ?? false;
  return !isBusy && messageOf(error) !== "timeout exceeded when trying to connect";
}

/** Whether `pg` gave a statement up: its server answers nothing, not even that the statement took too long. */
function isOverdue(error: unknown): boolean {
  return messageOf(error) === "Query read timeout";
}

/** Whether the platform does not let this process do it, which says what is missing itself. */
export function isNotAllowed(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}

function messageOf(error: unknown): string | undefined {
  return error instanceof Error ? error.message : undefined;
}
