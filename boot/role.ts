/**
 * The split of ACS and log servers, as the environment says it.
 *
 * @module
 */

import type { Role } from "../routes/app.ts";

/** How a log server reaches its ACS. */
export interface AcsSettings {
  /** Where it is mounted, without a slash at the end. */
  readonly url: string;
  /** The service token of an application. */
  readonly tokenOf: (app: string) => string;
}

/** The characters of a Bearer token (RFC 6750, 2.1), long enough not to be guessed. */
const TOKEN = /^[A-Za-z0-9._~+/-]{32,512}={0,2}$/;

/** Reads `DIT_ROLE`, `DIT_ACS_URL` and `DIT_ACS_TOKEN`; mistakes are added to the list. */
export function readRole(
  get: (name: string) => string | undefined,
  mistakes: string[],
): { role: Role; acs: AcsSettings | undefined } {
  const role = get("DIT_ROLE") ?? "all";
  if (role !== "all" && role !== "acs" && role !== "logs") {
    mistakes.push("Set DIT_ROLE to all, acs or logs, or leave it out for all.");
    return { role: "all", acs: undefined };
  }
  if (role !== "logs") return { role, acs: undefined };
  const url = readUrl(get("DIT_ACS_URL"));
  if (url === undefined) {
    mistakes.push("Set DIT_ACS_URL to the https:// URL of the ACS (http:// only for this machine).");
  }
  const tokenOf = readTokens(get("DIT_ACS_TOKEN"));
  if (tokenOf === undefined) {
    mistakes.push(
      "Set DIT_ACS_TOKEN to the service token of the ACS, or to app:token pairs separated by commas; " +
        "a token has at least 32 letters, digits or -._~+/.",
    );
  }
  return url === undefined || tokenOf === undefined
    ? { role, acs: undefined }
    : { role, acs: { url, tokenOf } };
}

/** The token crosses the network with every call: only this machine is reached in the clear. */
function readUrl(value: string | undefined): string | undefined {
  if (value === undefined || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) return undefined;
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") return undefined;
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

/** One token for all applications, or one for each: `notes:...,vault:...`. */
function readTokens(value: string | undefined): ((app: string) => string) | undefined {
  if (value === undefined) return undefined;
  if (TOKEN.test(value)) return () => value;
  const tokens = new Map<string, string>();
  for (const pair of value.split(",")) {
    const [, app, token] = /^([a-z][a-z0-9-]{0,62}):(.+)$/.exec(pair.trim()) ?? [];
    if (app === undefined || token === undefined || !TOKEN.test(token) || tokens.has(app)) return undefined;
    tokens.set(app, token);
  }
  // An application without one is refused by the ACS like any wrong token.
  return (app) => tokens.get(app) ?? "none";
}
