/**
 * What connections tell a service about a client's requests.
 *
 * @module
 */
import type { WatchedRequest } from "./watched_sockets.ts";

/**
 * A way in which requests are linked: a log to a session or a token request, two pseudonyms, two accounts, or any two at
 * all, since what is asked for at one moment is linked as well; or a connection to another one by the session of TLS that
 * it resumes.
 */
export type Link = "steps" | "pseudonyms" | "accounts" | "requests" | "resumption";

/** How requests, in the order in which they came, can be linked by what they came on. */
export function linksOf(requests: readonly WatchedRequest[]): Link[] {
  const links = new Set<Link>();
  const owners = new Map<string, Set<string>>();
  for (const { step, connection, resumes, owner } of requests) {
    const side = step === "schema" || step === "logs" ? "logging" : "issuing";
    const known = owners.get(connection);
    if (known !== undefined) links.add("requests");
    if (resumes) links.add("resumption");
    const seen = known ?? new Set();
    owners.set(connection, seen.add(side).add(owner === "" ? side : `${side} ${owner}`));
    if (seen.has("logging") && seen.has("issuing")) links.add("steps");
    const named = (of: string) => [...seen].filter((name) => name.startsWith(`${of} `)).length;
    if (named("logging") > 1) links.add("pseudonyms");
    if (named("issuing") > 1) links.add("accounts");
  }
  return [...links].sort();
}
