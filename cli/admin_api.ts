/**
 * How the operator's commands reach the running service: over HTTP, since a second process on the store's SQLite file
 * would make its own commits and the service's fail.
 *
 * `DIT_ADMIN_URL` names the service (default: this machine, `DIT_ADMIN_PORT`, `PORT` or 8000), `DIT_ADMIN_TOKEN` its token (default: the
 * one that development keeps in `.dit/admin_token`).
 *
 * @module
 */
import { processEnvironment } from "../boot/credentials.ts";
import { DEFAULT_PORT, readOperatorsListener, urlOf } from "../boot/operators_listener.ts";

/** A command cannot do its work; the message is one sentence for a person. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  /** `outcome` says whether what was asked for may have been done nevertheless. */
  constructor(message: string, readonly outcome: "not done" | "unknown" = "not done") {
    super(message);
  }
}

async function adminToken(): Promise<string> {
  const token = processEnvironment("DIT_ADMIN_TOKEN");
  if (token !== undefined && token !== "") return token;
  try {
    return (await Deno.readTextFile(".dit/admin_token")).trim();
  } catch {
    throw new CommandError(
      "Set DIT_ADMIN_TOKEN to the admin token of the service (development makes one in .dit/ at its start).",
    );
  }
}

/** Where operators are answered on this machine, as the service itself reads it. */
function serviceUrl(): string {
  const mistakes: string[] = [];
  const own = readOperatorsListener(processEnvironment, false, mistakes);
  const [mistake] = mistakes;
  if (mistake !== undefined) throw new CommandError(mistake);
  return own === undefined ? `http://127.0.0.1:${Deno.env.get("PORT") ?? DEFAULT_PORT}` : urlOf(own);
}

/**
 * Calls the admin API; `path` starts with `/admin/`. Gives the response of a success, whose body is the caller's.
 * @throws {CommandError} With one sentence when there is no service, no right, or a refusal.
 */
export async function callAdmin(path: string, init: RequestInit = {}): Promise<Response> {
  const base = processEnvironment("DIT_ADMIN_URL") ?? serviceUrl();
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${await adminToken()}`);
  let response: Response;
  try {
    response = await fetch(base.replace(/\/$/, "") + path, { ...init, headers, redirect: "error" });
  } catch {
    throw new CommandError(`No service answers at ${base}: start it, or set DIT_ADMIN_URL.`, "unknown");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => undefined) as
    | { code?: string; detail?: string }
    | undefined;
  switch (problem?.code) {
    case "admin_token_invalid":
      throw new CommandError("The service refuses the admin token: set DIT_ADMIN_TOKEN to the right one.");
    case "route_unknown":
      throw new CommandError(
        "The service has no admin API for this: start it with DIT_ADMIN_TOKEN_SHA256, or ask its ACS.",
      );
    default:
      throw new CommandError(
        problem?.detail ?? `The service answered ${response.status}.`,
        response.status < 500 ? "not done" : "unknown",
      );
  }
}
