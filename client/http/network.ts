/**
 * One request and its answer, both bounded: no endless body and no answer that never comes holds a client up.
 *
 * @module
 */
import { concat } from "../../core/base/bytes.ts";
import type { AnswerCode, ServiceCode } from "../base/codes.ts";
import { inTime } from "../base/deadline.ts";
import type { Fetch, Report, Step } from "../base/types.ts";

/** What a request takes of its client. */
export interface Network {
  readonly fetch: Fetch;
  readonly report: Report;
  /** Ends what is on its way when the user opts out; there is a new one after that. */
  readonly signal: AbortSignal;
}

/** A request, and how much of its answer is read. */
export interface Exchange {
  /** The step that it is for the app's ears. */
  readonly step: Step;
  readonly url: string;
  /** Method, headers and body; GET when absent. */
  readonly init?: RequestInit;
  readonly maxBytes: number;
}

/** An answer that was read completely. */
export interface Answer {
  /** The HTTP status; 0: no usable answer came, and whether the request arrived is unknown. */
  readonly status: number;
  /** The headers that the platform lets us see. */
  readonly headers: Headers;
  /** The body. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The stable code of a refusal (RFC 9457); undefined when somebody else than the service answered. */
  readonly code: ServiceCode | undefined;
}

/** The statuses of success are 200 only: whatever else comes is refused. */
const OK = 200;
const NO_ANSWER: Answer = { status: 0, headers: new Headers(), body: new Uint8Array(), code: undefined };

/** What no request of the client ever carries: cookies, a referrer, a cache's validators, a redirect's surprise. */
const BARE: RequestInit = {
  credentials: "omit",
  referrerPolicy: "no-referrer",
  cache: "no-store",
  redirect: "error",
};

/**
 * Sends a request and reads its answer. Never throws: what is no usable answer has the status 0. Every answer but a
 * success is reported.
 */
export async function exchange(network: Network, request: Exchange): Promise<Answer> {
  const { step, url, init, maxBytes } = request;
  let answer = NO_ANSWER;
  try {
    answer = await inTime(network.signal, async (signal) => {
      const response = await network.fetch(url, { method: "GET", ...init, ...BARE, signal });
      const { status, headers } = response;
      const body = await readBounded(response, maxBytes);
      return { status, headers, body, code: status === OK ? undefined : problemCode(headers, body) };
    });
  } catch {
    // The platform's message may name the URL or more, and what failed does not change what to do.
  }
  if (answer.status !== OK) network.report("refused", { step, code: refusalCode(answer) });
  return answer;
}

/** The code of a refusal, or what stands for it when somebody else answered, or nobody. */
export function refusalCode({ code, status }: Answer): AnswerCode {
  return status === 0 ? "no_answer" : code ?? `status_${status}`;
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const tooLong = () => new RangeError("Cannot read the answer: it is too long");
  // React Native has no streams.
  if (response.body === undefined) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > maxBytes) throw tooLong();
    return bytes;
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  // Not every browser can iterate over a stream.
  for (let length = 0;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...chunks);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw tooLong();
    }
    chunks.push(value);
  }
}

/** The JSON of a body, or undefined when it is none. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function problemCode(headers: Headers, body: Uint8Array): ServiceCode | undefined {
  if (!headers.get("content-type")?.startsWith("application/problem+json")) return undefined;
  const code = (parseJson(body) as { code?: unknown } | null | undefined)?.code;
  return isCode(code) ? code : undefined;
}

/**
 * Whether a value has the form of a code, which is all that an app hears of what a service says. It may be one of a
 * later version of the protocol.
 */
export function isCode(value: unknown): value is ServiceCode {
  return typeof value === "string" && /^[a-z_]{1,64}$/.test(value);
}
