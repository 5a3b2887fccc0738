/**
 * The outermost function: what a request carries besides its message ends here. Handlers get a new request made from an
 * allow-list of headers, on a constant origin, and never the connection that it came over.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { utf8 } from "../core/base/bytes.ts";
import type { CountedAnswer } from "../core/operations/counters.ts";
import { Refusal } from "../core/base/errors.ts";
import { isDitScheme } from "../core/token/credential.ts";
import { CLIENT_HEADER } from "./remote/acs_client.ts";
import type { Admission } from "./admission.ts";
import { VIA_HEADER } from "./auth/admin_guard.ts";
import { CODE_HEADER, problemResponse } from "./http/problem.ts";
import { HOP_HEADER } from "./remote/region.ts";

/** Most header fields of a request. */
const MAX_HEADERS = 100;
/** Most bytes of all header fields together. */
const MAX_HEADER_BYTES = 16 * 1024;
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
  readonly hop?: boolean;
  /** Whether nobody may be recognised here later on: answers, too, carry only what is on a list. */
  readonly anonymous?: boolean;
}

/** The kinds of routes. What matches none passes with no header at all, and finds nothing. */
export const ROUTE_KINDS: readonly RouteKind[] = [
  {
    name: "logs",
    path: /^\/v1\/apps\/[^/]+\/logs$/,
    headers: ["content-type", "content-encoding", "content-length", "authorization"],
    query: false,
    hop: true,
    anonymous: true,
  },
  {
    name: "tokens",
    path: /^\/v1\/apps\/[^/]+\/tokens$/,
    headers: ["content-type", "content-encoding", "content-length", "authorization"],
    query: false,
  },
  { name: "keys", path: /^\/v1\/apps\/[^/]+\/keys$/, headers: ["if-none-match"], query: false, hop: true },
  { name: "schema", path: /^\/v1\/apps\/[^/]+\/schema$/, headers: ["if-none-match"], query: false },
  { name: "openapi", path: /^\/openapi(?:\.json|\.css)?$/, headers: [], query: false },
  { name: "health", path: /^\/(?:healthz|readyz)$/, headers: [], query: false },
  {
    name: "acs",
    path: /^\/acs\/v1\/apps\/[^/]+\/(?:evaluate|redeem)$/,
    headers: ["content-type", "content-encoding", "content-length", "authorization", CLIENT_HEADER],
    query: false,
  },
  {
    name: "admin",
    path: /^\/admin\//,
    headers: ["content-type", "content-length", "authorization", VIA_HEADER],
    query: false,
  },
  {
    // The identity provider sends the browser back with a code that counts once, and only with its verifier.
    name: "console",
    path: /^\/console\/sign-in\/callback$/,
    headers: ["cookie", "host"],
    query: true,
  },
  {
    name: "console",
    path: /^\/console(?:\/|$)/,
    headers: [
      "content-type",
      "content-length",
      "cookie",
      "host",
      "if-none-match",
      "origin",
      "sec-fetch-site",
    ],
    query: false,
  },
  { name: "metrics", path: /^\/metrics$/, headers: ["authorization"], query: false },
  { name: "dev", path: /^\/(?:dev\/|examples\/)/, headers: ["content-type", "content-length"], query: false },
];

const APP_PATH = /^(?:\/acs)?\/v1\/apps\/([^/]+)\//;
const SIGN_IN_PATH = "/console/sign-in";
const UNKNOWN: RouteKind = { name: "unknown", path: /^/, headers: [], query: false };

/** What an answer on an anonymous route may carry: no cookie, no validator, no id of a request. */
const ANONYMOUS_ANSWER = [
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "access-control-max-age",
  "allow",
  "content-type",
  "dit-replayed",
  "retry-after",
  "www-authenticate",
];

/** A line about an answered request: nothing in it tells one client from another. */
export interface AccessLine {
  /** The kind of route. */
  readonly route: string;
  /** The HTTP status. */
  readonly status: number;
  /** The code of a refusal. */
  readonly code?: string;
  /** The duration, coarse. */
  readonly duration: "<10ms" | "<100ms" | "<1s" | ">=1s";
}

/** What the outermost function is told. */
export interface DeidentifyOptions {
  /** The handlers. */
  readonly handle: (request: Request) => Response | Promise<Response>;
  /** The transient throttle. */
  readonly admission: Admission;
  /** A much narrower one for attempts to sign in to the console. */
  readonly signInAdmission?: Admission;
  /** Hears of every answer. */
  readonly onAnswer?: (line: AccessLine) => void;
  /** Counts every answer, by the application too if it is one of `applications`. */
  readonly count?: (answer: CountedAnswer) => void;
  /** The applications that exist: what else stands in a path is made up and counted for none. */
  readonly applications?: ReadonlySet<string>;
  /** The secret of the hop between regions; without it no request counts as sent on. */
  readonly hopToken?: string;
  /** The only host that issues tokens, if the two are kept apart. */
  readonly issueHost?: string;
  /** The only host that takes logs, if the two are kept apart. */
  readonly logHost?: string;
  /** The only host that answers the operator, if it has one of its own. */
  readonly adminHost?: string;
}

/** Takes a request and the address that it came from, which goes no further than the throttle. */
export type OutermostHandler = (request: Request, address: string | undefined) => Promise<Response>;

/** Makes the function to give to `Deno.serve`. It never rejects: the runtime would write the request's URL down. */
export function deidentify(options: DeidentifyOptions): OutermostHandler {
  const hopDigest = options.hopToken === undefined ? undefined : sha256(utf8(options.hopToken));
  return async function handleStripped(request: Request, address: string | undefined): Promise<Response> {
    const startedAt = performance.now();
    // A Host header can make a URL that is none.
    const url = URL.parse(request.url);
    const path = url?.pathname ?? "";
    const kind = ROUTE_KINDS.find((kind) => kind.path.test(path)) ?? UNKNOWN;
    let response: Response;
    try {
      if (url === null) throw new Refusal("route_unknown", "There is no such host.");
      const hop = readHop(request.headers.get(HOP_HEADER), hopDigest, kind);
      const forwardedFor = request.headers.get("x-forwarded-for");
      // One ACS serves many clients over a few connections of log servers, which show a token first.
      const exempt = hop === "valid" || kind.name === "acs";
      const isSignIn = request.method === "POST" && path === SIGN_IN_PATH;
      const admission = isSignIn && options.signInAdmission || options.admission;
      response = await admission.admit(address, forwardedFor, exempt, async () => {
        // A hop comes from a region and not from a client, to the URL that regions use among themselves.
        if (hop !== "valid") checkHost(options, kind, url);
        return await options.handle(strip(request, url, kind, hop));
      });
    } catch (error) {
      response = problemResponse(error);
      // Without it a page of another origin could not read why, and when to try again.
      response.headers.set("access-control-allow-origin", "*");
      response.headers.set("access-control-expose-headers", "Retry-After");
    }
    const code = response.headers.get(CODE_HEADER);
    if (code !== null) response.headers.delete(CODE_HEADER);
    const duration = coarse(performance.now() - startedAt);
    options.onAnswer?.({
      route: kind.name,
      status: response.status,
      ...(code === null ? {} : { code }),
      duration,
    });
    if (request.method !== "OPTIONS") {
      const app = APP_PATH.exec(path)?.[1];
      options.count?.({
        route: kind.name,
        app: app !== undefined && options.applications?.has(app) ? app : undefined,
        outcome: code ?? outcomeOf(kind, response),
        duration,
      });
    }
    return kind.anonymous === true ? bareAnswer(response) : response;
  };
}

/** What the header of the hop says: nothing, that another region sends this on, or that somebody claims so. */
export type Hop = "none" | "valid" | "claimed";

function readHop(header: string | null, digest: Uint8Array | undefined, kind: RouteKind): Hop {
  if (header === null || kind.hop !== true) return "none";
  // Digests have one length, so that the comparison tells nothing of the secret's.
  return digest !== undefined && timingSafeEqual(sha256(utf8(header)), digest) ? "valid" : "claimed";
}

/** What an answer without a code of ours is counted as; another region's answer has lost its code. */
function outcomeOf(kind: RouteKind, response: Response): string {
  if (response.status >= 400) return "refused_elsewhere";
  if (response.headers.has("dit-replayed")) return "replayed";
  return kind.name === "logs" ? "accepted" : "ok";
}

/** Where issuance and logging have hosts of their own, neither is found on the other's: no connection carries both. */
function checkHost(options: DeidentifyOptions, kind: RouteKind, url: URL): void {
  const hosts: Record<string, string | undefined> = {
    tokens: options.issueHost,
    logs: options.logHost,
    admin: options.adminHost,
    metrics: options.adminHost,
    console: options.adminHost,
  };
  const host = hosts[kind.name];
  if (host !== undefined && host !== url.hostname) {
    throw new Refusal("route_unknown", "There is no such route on this host.");
  }
}

/** The new request that handlers get. Throws the refusals of what is wrong with the old one. */
export function strip(request: Request, url: URL, kind: RouteKind, hop: Hop): Request {
  checkHeaders(request.headers);
  // Routes decode a path before they compare it; kinds, and the limits that hang on them, know it as it came.
  if (url.pathname.includes("%")) throw new Refusal("route_unknown", "There is no such route.");
  if (url.href.includes("?") && !kind.query) {
    throw new Refusal("query_refused", "A query string is refused here: URLs get written down.");
  }
  const headers = new Headers();
  for (const name of kind.headers) {
    const value = request.headers.get(name);
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

/** An answer of an anonymous route with nothing but what is on the list. */
function bareAnswer(response: Response): Response {
  const headers = new Headers({ "cache-control": "no-store" });
  for (const name of ANONYMOUS_ANSWER) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(response.body, { status: response.status, headers });
}

function checkHeaders(headers: Headers): void {
  let count = 0;
  let bytes = 0;
  for (const [name, value] of headers) {
    count++;
    bytes += name.length + value.length;
  }
  if (count > MAX_HEADERS || bytes > MAX_HEADER_BYTES) {
    throw new Refusal(
      "headers_too_large",
      `More than ${MAX_HEADERS} headers or ${MAX_HEADER_BYTES} bytes of them.`,
    );
  }
}

function coarse(milliseconds: number): AccessLine["duration"] {
  if (milliseconds < 10) return "<10ms";
  if (milliseconds < 100) return "<100ms";
  return milliseconds < 1_000 ? "<1s" : ">=1s";
}
