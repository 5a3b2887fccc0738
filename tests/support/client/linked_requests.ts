/**
 * What connections tell a service about a client's requests.
 *
 * @module
 */
import type { WatchedRequest } from "./watched_sockets.ts";

/**
 * A way in which requests are linked: a log to a session or a token request, two pseudonyms, two accounts; or a
 * connection to one of those by the session of TLS that it resumes.
 */
export type Link = "steps" | "pseudonyms" | "accounts" | "resumption";

/** How requests, in the order in which they came, can be linked by what they came on. */
export function linksOf(requests: readonly WatchedRequest[]): Link[] {
  const links = new Set<Link>();
  const owners = new Map<string, Set<string>>();
  /** Who had the last request of each side; a document is for whoever comes next. */
  const last = new Map<string, string>();
  for (const { step, connection, resumes, owner } of requests) {
    const side = step === "schema" || step === "logs" ? "logging" : "issuing";
    const seen = owners.get(connection) ?? new Set();
    owners.set(connection, seen.add(side).add(owner === "" ? side : `${side} ${owner}`));
    if (seen.has("logging") && seen.has("issuing")) links.add("steps");
    const named = (of: string) => [...seen].filter((name) => name.startsWith(`${of} `)).length;
    if (named("logging") > 1) links.add("pseudonyms");
    if (named("issuing") > 1) links.add("accounts");
    // The first request of somebody has no session of their own to resume: theirs would be another one's.
    const before = last.get(side);
    const isFirst = before === undefined || (owner !== "" && before !== "" && before !== owner);
    if (isFirst && resumes) links.add("resumption");
    // A schema that resumed nothing opens the pool of whoever logs next.
    const isOpening = step === "schema" && !resumes;
    last.set(side, owner !== "" ? owner : isOpening ? "" : before ?? "");
  }
  return [...links].sort();
}
