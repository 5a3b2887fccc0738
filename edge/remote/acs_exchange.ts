/**
 * One request to an ACS elsewhere and its answer: with a deadline and a bound, and with what a client hears of a refusal.
 *
 * @module
 */
import { z } from "zod";
import { Refusal, type RefusalCode } from "../../core/base/errors.ts";
import { parseJson } from "../http/parse_json.ts";
import { readBoundedBytes } from "../http/read_body.ts";

const DEADLINE_MS = 5_000;

/** Refusals of the ACS that are the client's to hear. Every other one is a mistake between the two servers. */
const PASSED_ON: readonly RefusalCode[] = [
  "batch_invalid",
  "key_not_issuing",
  "quota_exhausted",
  "key_unknown",
  "key_expired",
  "mac_invalid",
  "use_out_of_range",
  "use_taken",
  "overloaded",
  "store_unavailable",
];

const ANOTHER_STORE =
  "The ACS refused this server: the application belongs to another store. Log servers of one ACS share a store, so " +
  "set DIT_KV to that of the others (docs/operating.md, ACS and log servers).";

const problem = z.object({ code: z.string().max(64), detail: z.string().max(500) });

/** The ACS and this server do not fit together; the message says why and repeats no secret. */
export class AcsError extends Error {
  override readonly name = "AcsError";
}

/** How an ACS is reached. */
export interface AcsExchangeOptions {
  /** Where the ACS is mounted, without a slash at the end. */
  readonly url: string;
  /** Reaches the ACS. */
  readonly fetch: typeof fetch;
  /** Milliseconds for a whole answer; 5000 by default. */
  readonly deadlineMs?: number | undefined;
}

/** What an ACS answered, whatever its status. */
export interface AcsAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** The header fields. */
  readonly headers: Headers;
  /** The whole body. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Sends a request to a path of the ACS, whose answer has at most `maxBytes`. */
export type AcsExchange = (path: string, init: RequestInit, maxBytes: number) => Promise<AcsAnswer>;

/** Makes the function that asks an ACS. It throws the refusal `store_unavailable` when there is no answer in time. */
export function acsExchange({ url, fetch, deadlineMs = DEADLINE_MS }: AcsExchangeOptions): AcsExchange {
  return async function askAcs(path, init, maxBytes) {
    try {
      const response = await fetch(url + path, {
        ...init,
        redirect: "error",
        signal: AbortSignal.timeout(deadlineMs),
      });
      const body = await readBoundedBytes(response.body, maxBytes);
      return { status: response.status, headers: response.headers, body };
    } catch {
      throw unreachable();
    }
  };
}

/** What the client hears of a refusal: the same, or (a mistake between the servers) nothing of it. */
export function refusalOf({ status, headers, body }: AcsAnswer): Error {
  const { data: said } = problem.safeParse(parseJson(body)?.value);
  const code = said?.code as RefusalCode | undefined;
  if (said !== undefined && code !== undefined && PASSED_ON.includes(code)) {
    const seconds = Number(headers.get("retry-after") ?? NaN);
    const details = Number.isInteger(seconds) && seconds >= 0 ? { retryAfterSeconds: seconds } : {};
    return new Refusal(code, said.detail, details);
  }
  // A proxy in between, or a fault of the ACS: whether it did anything is unknown.
  if (status >= 500 || status === 408 || status === 429) return unreachable();
  if (code === "store_pinned") return new AcsError(ANOTHER_STORE);
  return new AcsError(`The ACS refused this server: ${code ?? `status ${status}`}.`);
}

function unreachable(): Refusal {
  return new Refusal("store_unavailable", "The ACS did not answer in time; send the same bytes again.", {
    retryAfterSeconds: 1,
  });
}
