/**
 * The outermost function: what a request carries besides its message ends here. Handlers get a new request made from an
 * allow-list of headers, on a constant origin, and never the connection that it came over.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { utf8 } from "../core/bytes.ts";
import type { CountedAnswer } from "../core/counters/counters.ts";
import { Refusal } from "../core/errors.ts";
import { isDitScheme } from "../core/token/credential.ts";
import type { Admission } from "./admission.ts";
import { CODE_HEADER, problemResponse } from "./problem.ts";
import { HOP_HEADER } from "./region.ts";

/** Most header fields of a request. */
const MAX_HEADERS = 100;
/** Most bytes of all header fields together. */
const MAX_HEADER_BYTES = 16 * 1024;
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
}

/** The kinds of routes. What matches none passes with no header at all, and finds nothing. */
export const ROUTE_KINDS: readonly RouteKind[] = [
  {
    name: "logs",
    path: /^\/v1\/apps\/[^/]+\/logs$/,
    headers: ["content-type", "content-encoding", "content-length", "authorization"],
    query: false,
  },
  {
    name: "tokens",
    path: /^\/v1\/apps\/[^/]+\/tokens$/,
    headers: ["content-type", "content-encoding", "content-length", "authorization"],
    query: false,
  },
  { name: "keys", path: /^\/v1\/apps\/[^/]+\/keys$/, headers: ["if-none-match"], query: false },
  { name: "schema", path: /^\/v1\/apps\/[^/]+\/schema$/, headers: ["if-none-match"], query: false },
  { name: "health", path: /^\/(?:healthz|readyz)$/, headers: [], query: false },
  {
    name: "admin",
    path: /^\/admin\//,
    headers: ["content-type", "content-length", "authorization"],
    query: false,
  },
  { name: "dev", path: /^\/dev\//, headers: ["content-type", "content-length"], query: false },
];

const APP_PATH = /^\/v1\/apps\/([^/]+)\//;
const UNKNOWN: RouteKind = { name: "unknown", path: /^/, headers: [], query: false };

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
}

/** Takes a request and the address that it came from, which goes no further than the throttle. */
export type OutermostHandler = (request: Request, address: string | undefined) => Promise<Response>;

/** Makes the function to give to `Deno.serve`. */
export function deidentify(options: DeidentifyOptions): OutermostHandler {
  const hopToken = options.hopToken === undefined ? undefined : utf8(options.hopToken);
  return async function handleStripped(request: Request, address: string | undefined): Promise<Response> {
    const startedAt = performance.now();
    const url = new URL(request.url);
    const kind = ROUTE_KINDS.find(({ path }) => path.test(url.pathname)) ?? UNKNOWN;
    let response: Response;
    try {
      const hop = request.headers.get(HOP_HEADER);
      const isHop = hop !== null && hopToken !== undefined && timingSafeEqual(utf8(hop), hopToken);
      response = await options.admission.admit(
        address,
        request.headers.get("x-forwarded-for"),
        isHop,
        async () => {
          checkHost(options, kind, url);
          return await options.handle(strip(request, url, kind, isHop));
        },
      );
    } catch (error) {
      response = problemResponse(error);
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
      const app = APP_PATH.exec(url.pathname)?.[1];
      options.count?.({
        route: kind.name,
        app: app !== undefined && options.applications?.has(app) ? app : undefined,
        outcome: code ?? outcomeOf(kind, response),
        duration,
      });
    }
    return response;
  };
}

/** What an answer without a code of ours is counted as; another region's answer has lost its code. */
function outcomeOf(kind: RouteKind, response: Response): string {
  if (response.status >= 400) return "refused_elsewhere";
  if (response.headers.has("dit-replayed")) return "replayed";
  return kind.name === "logs" ? "accepted" : "ok";
}

/** Where issuance and logging have hosts of their own, neither is found on the other's: no connection carries both. */
function checkHost({ issueHost, logHost }: DeidentifyOptions, kind: RouteKind, url: URL): void {
  const host = kind.name === "tokens" ? issueHost : kind.name === "logs" ? logHost : undefined;
  if (host !== undefined && host !== url.hostname) {
    throw new Refusal("route_unknown", "There is no such route on this host.");
  }
}

/** The new request that handlers get. Throws the refusals of what is wrong with the old one. */
export function strip(request: Request, url: URL, kind: RouteKind, isHop: boolean): Request {
  checkHeaders(request.headers);
  if (url.search !== "" && !kind.query) {
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
  // The secret of the hop ends here; handlers learn only that it was right.
  if (isHop) headers.set(HOP_HEADER, "?1");
  // Preflights are answered the same for everyone and carry nothing that is needed but their method.
  if (request.method === "OPTIONS") headers.set("access-control-request-method", "POST");
  const body = request.body;
  return new Request(INNER_ORIGIN + url.pathname + (kind.query ? url.search : ""), {
    method: request.method,
    headers,
    ...(body === null ? {} : { body, duplex: "half" }),
  } as RequestInit);
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
