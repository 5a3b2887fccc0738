/**
 * One request and its answer, both bounded: no endless body and no answer that never comes holds a client up.
 *
 * @module
 */
import { concat } from "../../core/base/bytes.ts";
import type { Context } from "../base/context.ts";
import type { Step } from "../base/types.ts";

/** The part of `fetch` that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** An answer that was read completely. */
export interface Answer {
  /** The HTTP status; 0: no usable answer came, and whether the request arrived is unknown. */
  readonly status: number;
  /** The headers that the platform lets us see. */
  readonly headers: Headers;
  /** The body. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The stable code of a refusal (RFC 9457); undefined when somebody else than the service answered. */
  readonly code: string | undefined;
}

/** Milliseconds until a request counts as unanswered. */
export const REQUEST_TIMEOUT_MILLISECONDS = 30_000;
/** The statuses of success are 200 only: whatever else comes is refused. */
const OK = 200;
const NO_ANSWER: Answer = { status: 0, headers: new Headers(), body: new Uint8Array(), code: "no_answer" };

/** What no request of the client ever carries: cookies, a referrer, a cache's validators, a redirect's surprise. */
const BARE: RequestInit = {
  credentials: "omit",
  referrerPolicy: "no-referrer",
  cache: "no-store",
  redirect: "error",
};

/**
 * What `work` gives, unless it takes 30 seconds or the user opts out: then it is left alone. No timer outlasts it, which
 * would keep a process alive, and browsers from before `AbortSignal.any` (2023) can run it.
 */
export async function inTime<T>(
  { signal }: Pick<Context, "signal">,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const abort = () => end.abort();
  const timer = setTimeout(abort, REQUEST_TIMEOUT_MILLISECONDS);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([
      work(end.signal),
      new Promise<never>((_, reject) => end.signal.onabort = reject),
    ]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Sends a request and reads its answer, at most `maxBytes` of it. Never throws: what is no usable answer has the
 * status 0. Every answer but a success is reported.
 */
export async function exchange(
  context: Pick<Context, "fetch" | "report" | "signal">,
  step: Step,
  url: string,
  init: RequestInit,
  maxBytes: number,
): Promise<Answer> {
  let answer = NO_ANSWER;
  try {
    answer = await inTime(context, async (signal) => {
      const response = await context.fetch(url, { ...init, ...BARE, signal });
      const { status, headers } = response;
      const body = await readBounded(response, maxBytes);
      return { status, headers, body, code: status === OK ? undefined : problemCode(headers, body) };
    });
  } catch {
    // The platform's message may name the URL or more, and what failed does not change what to do.
  }
  if (answer.status !== OK) context.report("refused", { step, code: refusalCode(answer) });
  return answer;
}

/** The code of a refusal, or what stands for it when somebody else answered. */
export function refusalCode({ code, status }: Answer): string {
  return code ?? `status_${status}`;
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw new RangeError();
    }
    chunks.push(value);
  }
  return concat(...chunks);
}

/** The JSON of a body, or undefined when it is none. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function problemCode(headers: Headers, body: Uint8Array): string | undefined {
  if (!headers.get("content-type")?.startsWith("application/problem+json")) return undefined;
  const code = (parseJson(body) as { code?: unknown } | null | undefined)?.code;
  return isCode(code) ? code : undefined;
}

/** Whether a value can be a code: whatever the service says, the app hears nothing else. */
export function isCode(value: unknown): value is string {
  return typeof value === "string" && /^[a-z_]{1,64}$/.test(value);
}

/** A header's whole number of seconds; 0 when there is none. */
function seconds(headers: Headers, name: string, pattern: RegExp): number {
  return Number(pattern.exec(headers.get(name) ?? "")?.[1] ?? 0);
}

/** `Age` in seconds (RFC 9111, 5.1). */
export function ageOf(headers: Headers): number {
  return seconds(headers, "age", /^(\d{1,7})$/);
}

/** Milliseconds for which an answer stays fresh: its `max-age` less its `Age`, a minute at least and a day at most. */
export function freshFor(headers: Headers): number {
  const maxAge = seconds(headers, "cache-control", /max-age=(\d{1,9})/);
  return Math.min(Math.max(maxAge - ageOf(headers), 60), 86_400) * 1000;
}

/** Milliseconds of a `Retry-After` in seconds, `maxSeconds` at most; undefined when there is none. */
export function retryAfter(headers: Headers, maxSeconds: number): number | undefined {
  const wait = seconds(headers, "retry-after", /^(\d{1,9})$/);
  return wait === 0 ? undefined : Math.min(wait, maxSeconds) * 1000;
}
