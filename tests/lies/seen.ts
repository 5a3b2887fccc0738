/**
 * What a lying service sees of a client, and what may never be seen whatever it says.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { gunzipSync } from "node:zlib";

/** The requests of a client: `history` is that of the keys, `mirror` is the directory, `mirror_schema` the schema at the mirror's. */
export type Step = "keys" | "history" | "schema" | "tokens" | "logs" | "mirror" | "mirror_schema";

/** One request as it arrived. */
export interface Seen {
  readonly step: Step;
  readonly method: string;
  /** The path and all behind it. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether it was answered with a lie. */
  readonly lied: boolean;
  /** The client's port, where there is a socket. */
  readonly connection?: number | undefined;
}

/** What is in the body of a log. */
export interface SeenLog {
  readonly salt: string;
  /** Empty where none is collected. */
  readonly pseudonym: string;
  /** The nonce of its token. */
  readonly nonce: string;
  readonly use: number;
  readonly events: readonly { name: string; at?: string; fields: Record<string, unknown> }[];
  /** The bytes of its body, base64. */
  readonly bytes: string;
}

/** The logs among requests. */
export function logsOf(seen: readonly Seen[]): SeenLog[] {
  return seen.filter(({ step }) => step === "logs").map(({ headers, body }) => {
    const isPacked = headers.get("content-encoding") === "gzip";
    const { salt, pseudonym = "", events } = JSON.parse(
      new TextDecoder().decode(isPacked ? gunzipSync(body) : body),
    );
    const [, nonce = "", use = ""] = /nonce=([^,]+), use=(\d+)/.exec(headers.get("authorization") ?? "") ??
      [];
    return { salt, pseudonym, nonce, use: Number(use), events, bytes: body.toBase64() };
  });
}

/** The number by which a test knows an event. */
export function numberOf({ fields }: { readonly fields: Readonly<Record<string, unknown>> }): number {
  return Number(fields.number);
}

/** What no request of a client may carry: anything that was set, validated or learned elsewhere. */
const MARKS = ["cookie", "referer", "if-none-match", "if-modified-since", "range", "sec-ch-ua-model"];

/** Asserts that nothing which was seen links what may not be linked. */
export function assertUnlinked(seen: readonly Seen[]): void {
  for (const { step, headers, target } of seen) {
    assertMatch(target, /^(?:\/mirror)?\/v1\/apps\/notes\/(?:keys(?:\/history)?|schema|tokens|logs)$/);
    for (const name of MARKS) assert(!headers.has(name), `${target} came with ${name}`);
    const scheme = headers.get("authorization")?.split(" ")[0];
    assertEquals(scheme, { tokens: "Bearer", logs: "DIT" }[step as string], target);
  }
  assertApart(seen);
  const logs = logsOf(seen);
  assertOne(
    logs.flatMap((log) => log.events.map((event) => [numberOf(event), log.pseudonym] as const)),
    "an event under two pseudonyms",
  );
  assertOne(logs.map(({ salt, nonce }) => [salt, nonce] as const), "a salt with two tokens");
  assertOne(logs.map(({ nonce, pseudonym }) => [nonce, pseudonym] as const), "a token under two pseudonyms");
  assertOne(logs.map(({ nonce, use, bytes }) => [`${nonce} ${use}`, bytes] as const), "a use for two bodies");
}

/** Asserts that no connection has two requests, where that is not for a browser to say, and no elements two accounts. */
function assertApart(seen: readonly Seen[]): void {
  const requests = seen.filter(({ headers, connection }) =>
    connection !== undefined && !headers.get("user-agent")?.startsWith("Mozilla")
  );
  // A connection is told by its port, and the system gives a port again that was let go. That happens to one by chance; a
  // client that keeps connections does it with each.
  const again = requests.length - new Set(requests.map(({ connection }) => connection)).size;
  assert(again <= 1, `${again} of ${requests.length} requests came on connections that others had`);
  const tokens = seen.filter(({ step }) => step === "tokens").map(({ headers, body }) => ({
    subject: JSON.parse(atob(headers.get("authorization")?.split(".")[1] ?? "")).sub as string,
    elements: body.slice(3).toBase64(),
  }));
  assertOne(
    tokens.map(({ elements, subject }) => [elements, subject] as const),
    "blinded elements of two accounts",
  );
}

/** Asserts that every first value comes with one second value only. */
function assertOne(pairs: readonly (readonly [unknown, string])[], what: string): void {
  const known = new Map<unknown, string>();
  for (const [key, value] of pairs) {
    assertEquals(known.get(key) ?? value, value, `${what}: ${key}`);
    known.set(key, value);
  }
}
