/**
 * What may pass. A handler gets a new request, made from an allow-list of headers for each kind of route, on a constant
 * origin, and never the connection that it came over; an answer on an anonymous route is made from a list as well.
 *
 * @module
 */
import { Refusal } from "../core/base/errors.ts";
import { isDitScheme } from "../core/token/credential.ts";
import { checkHeaders } from "./http/header_bounds.ts";
import { ANONYMOUS_ANSWER_HEADERS, HOP_HEADER } from "./http/headers.ts";
import { PASSAGES } from "./operations/index.ts";
import { patternOf } from "./operations/path_pattern.ts";

/**
 * Methods that reach handlers as they are. Of the others, some cannot stand in a `Request` at all (TRACE, CONNECT), and
 * some turn into another one in it (`get`), which HTTP says they are not.
 */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** What handlers see instead: a method that no route takes. */
const UNTAKEN_METHOD = "UNTAKEN";
/** The origin that handlers see instead of the one that was asked for. */
const INNER_ORIGIN = "http://dit.internal";

/** A kind of route: its name in logs, and what of a request may reach it. */
export interface RouteKind {
  /** The name in log lines and counters. */
  readonly name: string;
  /** Paths that belong to it. */
  readonly path: RegExp;
  /** Header fields that pass. */
  readonly headers: readonly string[];
  /** Whether a query string passes; it is refused otherwise, since proxies and traces write URLs down. */
  readonly query: boolean;
  /** Whether one region may ask another: only there does the header of the hop mean anything. */
  readonly hop: boolean;
  /** Whether only this machine's own names are answered. */
  readonly loopback: boolean;
  /** Whether nobody may be recognised here later on: answers, too, carry only what is on a list. */
  readonly anonymous: boolean;
}

/** The kinds of routes, by path. What matches none passes with no header at all, and finds nothing. */
export const ROUTE_KINDS: readonly RouteKind[] = PASSAGES.map(({ kind, path, passes, ...rest }) => ({
  name: kind,
  path: patternOf(path),
  headers: passes,
  query: rest.query ?? false,
  hop: rest.hop ?? false,
  loopback: rest.loopback ?? false,
  anonymous: rest.anonymous ?? false,
}));

const UNKNOWN: RouteKind = {
  name: "unknown",
  path: /^/,
  headers: [],
  query: false,
  hop: false,
  loopback: false,
  anonymous: false,
};

/** The kind of route that a path belongs to. */
export function kindOf(path: string): RouteKind {
  return ROUTE_KINDS.find((kind) => kind.path.test(path)) ?? UNKNOWN;
}

/** What the header of the hop says: nothing, that another region sends this on, or that somebody claims so. */
export type Hop = "none" | "valid" | "claimed";

/** What is known of a request before it is stripped. */
export interface Recognised {
  /** The kind of its route. */
  readonly kind: RouteKind;
  /** What its header of the hop says. */
  readonly hop: Hop;
}

/** The new request that handlers get. Throws the refusals of what is wrong with the old one. */
export function strip(request: Request, url: URL, { kind, hop }: Recognised): Request {
  checkHeaders(request.headers);
  if (url.href.includes("?") && !kind.query) {
    throw new Refusal("query_refused", "A query string is refused here: URLs get written down.");
  }
  const headers = new Headers();
  for (const name of kind.headers) {
    // HTTP/2 names the host in its target alone (RFC 9113, section 8.3.1).
    const value = request.headers.get(name) ?? (name === "host" ? url.host : null);
    if (value !== null) headers.set(name, value);
  }
  // A session on the anonymous route would say who it is; it ends here like every other header.
  if (kind.name === "logs" && !isDitScheme(headers.get("authorization") ?? "")) {
    headers.delete("authorization");
  }
  // The secret of the hop ends here; handlers learn only whether it was right. A wrong one gives no right at all, but
  // what carries it is not sent on: regions whose secrets differ would send it round and round.
  if (hop !== "none") headers.set(HOP_HEADER, hop === "valid" ? "?1" : "?0");
  // Preflights are answered the same for everyone and carry nothing that is needed but their method.
  if (request.method === "OPTIONS") headers.set("access-control-request-method", "POST");
  const body = request.body;
  return new Request(INNER_ORIGIN + url.pathname + (kind.query ? url.search : ""), {
    method: METHODS.includes(request.method) ? request.method : UNTAKEN_METHOD,
    headers,
    ...(body === null ? {} : { body, duplex: "half" }),
  } as RequestInit);
}

/** The answer as it leaves: on an anonymous route nothing of it but what is on the list. */
export function stripAnswer(response: Response, kind: RouteKind): Response {
  if (!kind.anonymous) return response;
  const headers = new Headers({ "cache-control": "no-store" });
  for (const name of ANONYMOUS_ANSWER_HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(response.body, { status: response.status, headers });
}
