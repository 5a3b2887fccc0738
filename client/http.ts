/**
 * One request and its answer, both bounded: no endless body and no answer that never comes holds a client up.
 *
 * @module
 */
import { concat } from "../core/bytes.ts";

/** The part of `fetch` that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** An answer that was read completely. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The headers that the platform lets us see. */
  readonly headers: Headers;
  /** The body. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** No usable answer came: the network failed, it took too long, or the answer was larger than any answer may be. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** Milliseconds until a request counts as unanswered. */
export const REQUEST_TIMEOUT_MILLISECONDS = 30_000;

/** What no request of the client ever carries: cookies, a referrer, a cache's validators, a redirect's surprise. */
const BARE: RequestInit = {
  credentials: "omit",
  referrerPolicy: "no-referrer",
  cache: "no-store",
  redirect: "error",
};

/**
 * Sends a request and reads its answer, at most `maxBytes` of it.
 * @throws {NoAnswerError} Its outcome is then unknown: the request may have arrived.
 */
export async function exchange(
  fetch: Fetch,
  url: string,
  init: RequestInit,
  maxBytes: number,
): Promise<Answer> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), REQUEST_TIMEOUT_MILLISECONDS);
  try {
    const response = await fetch(url, { ...init, ...BARE, signal: abort.signal });
    const body = await readBounded(response, maxBytes);
    return { status: response.status, headers: response.headers, body };
  } catch {
    // The platform's message may name the URL or more; what failed does not change what to do.
    throw new NoAnswerError("No answer could be read");
  } finally {
    clearTimeout(timer);
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...chunks);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw new RangeError("the answer is too large");
    }
    chunks.push(value);
  }
}

/** The JSON of an answer, or undefined when it is none. */
export function readJson(answer: Answer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer.body));
  } catch {
    return undefined;
  }
}

/** The stable code of a problem document (RFC 9457), or undefined when somebody else answered. */
export function problemCode(answer: Answer): string | undefined {
  if (!/^application\/problem\+json\b/i.test(answer.headers.get("content-type") ?? "")) return undefined;
  const code = (readJson(answer) as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && /^[a-z_]{1,64}$/.test(code) ? code : undefined;
}

/** Milliseconds of a `Retry-After` (seconds or a date), at most `maxMilliseconds`; undefined when there is none. */
export function retryAfter(
  headers: Headers,
  nowMilliseconds: number,
  maxMilliseconds: number,
): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const wait = /^[0-9]{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMilliseconds;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), maxMilliseconds);
}

/** Milliseconds for which an answer stays fresh: its `max-age` less its `Age`, within the bounds given. */
export function freshFor(headers: Headers, least: number, most: number): number {
  const match = /(?:^|[\s,])max-age=([0-9]{1,9})/i.exec(headers.get("cache-control") ?? "");
  const age = Number(headers.get("age") ?? 0);
  const seconds = match === null ? 0 : Number(match[1]) - (Number.isInteger(age) && age > 0 ? age : 0);
  return Math.min(Math.max(seconds * 1000, least), most);
}
