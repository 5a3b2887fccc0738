/**
 * Several logs in one request: each is taken, refused and counted as if it had come by itself (docs/protocol.md, section 5).
 *
 * @module
 */
import type { Context } from "hono";
import { type AcceptedLog, acceptLog, type SentLog } from "../../core/acs/accept_log.ts";
import { DecodeError } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import { MAX_BODY_BYTES } from "../../core/schema/body.ts";
import type { Server } from "../../core/service.ts";
import { MAX_USE_ON_WIRE } from "../../core/token/credential.ts";
import { type BatchedLog, decodeLogBatch, LOG_BATCH_TYPE } from "../../core/token/log_batch.ts";
import { type BodyWait, bodyWaitOf } from "../../edge/http/body_wait.ts";
import { CODE_HEADER, HOP_HEADER } from "../../edge/http/headers.ts";
import { describeProblem } from "../../edge/http/problem.ts";
import { bodyLength, requireLength } from "../../edge/http/read_body.ts";
import { MAX_LOGS, SEND_LOGS } from "../../edge/operations/client.ts";
import { readRequest, requireMediaType } from "../../edge/read_request.ts";
import type { Regions } from "../../edge/remote/region.ts";
import { readRegionAnswer } from "./region_answer.ts";

/** What takes batches of logs. */
export interface LogBatchOptions {
  /** The server behind it. */
  readonly service: Server;
  /** The other regions, where there are several. */
  readonly regions?: Regions | undefined;
  /** Milliseconds in which a body has to arrive. */
  readonly bodyDeadlineMs?: number | undefined;
  /** Hears of errors of single logs that nobody expected. */
  readonly onInternalError?: ((error: unknown) => void) | undefined;
}

/** What became of one log: its answer's status and body, and what it is counted as. */
interface Outcome {
  readonly counted: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** Whether a request carries a batch of logs. */
export function isLogBatch(headers: Headers): boolean {
  return headers.get("content-type")?.toLowerCase() === LOG_BATCH_TYPE;
}

/**
 * Takes a batch. The logs go to the verb side by side, so that one commit has room for all of them; nothing that is kept
 * says that they came together.
 * @throws {Refusal} Of the whole request, before any of its logs is looked at: `app_unknown`, `media_type`,
 * `credential_malformed`, `body_too_large`, `overloaded`, `request_timeout`, `body_malformed`.
 */
export async function sendLogBatch(c: Context, options: LogBatchOptions): Promise<Response> {
  const app = options.service.appOf(c.req.param("app") ?? "");
  const wait = bodyWaitOf(c);
  const logs = await readLogs(c, wait, options);
  const own = options.regions === undefined
    ? []
    : await options.service.publishedKeys(app.id, options.service.now());
  const isHop = c.req.raw.headers.has(HOP_HEADER);
  const settle = async (log: BatchedLog, index: number): Promise<Outcome> => {
    try {
      if (index > 0) wait.countAnother();
      const sent = { app, ...requireSendable(log), nowSeconds: options.service.now() };
      const elsewhere = await options.regions?.forwardHome(sent, { own, isHop });
      const became = elsewhere === undefined
        ? await accept(options.service, sent)
        : await readRegionAnswer(elsewhere);
      if (!(became instanceof Refusal)) return storedOutcome(became);
      return { ...refusedOutcome(became), counted: "refused_elsewhere" };
    } catch (error) {
      if (!(error instanceof Refusal)) options.onInternalError?.(error);
      return refusedOutcome(error);
    }
  };
  const outcomes = await Promise.all(logs.map(settle));
  return c.json({ outcomes: outcomes.map(({ answer }) => answer) }, 200, {
    "cache-control": "no-store",
    [CODE_HEADER]: outcomes.map(({ counted }) => counted).join(),
  });
}

async function readLogs(
  c: Context,
  wait: BodyWait,
  { service, bodyDeadlineMs: deadlineMs }: LogBatchOptions,
): Promise<BatchedLog[]> {
  const { headers } = c.req.raw;
  requireMediaType(headers, SEND_LOGS);
  if (headers.has("authorization")) {
    throw new Refusal("credential_malformed", "Each log of a batch has its credential in the body.");
  }
  const { maxBytes } = SEND_LOGS.takes;
  requireLength(headers, maxBytes);
  service.committer.admit();
  wait.widen(Math.ceil(bodyLength(headers, maxBytes) / MAX_BODY_BYTES));
  const { body } = await readRequest(c, SEND_LOGS, { deadlineMs });
  const logs = decode(body);
  if (logs.length > MAX_LOGS) {
    throw new Refusal("body_too_large", `The batch has more than ${MAX_LOGS} logs.`);
  }
  return logs;
}

function decode(body: Uint8Array<ArrayBuffer>): BatchedLog[] {
  try {
    return decodeLogBatch(body);
  } catch (error) {
    if (error instanceof DecodeError) throw new Refusal("body_malformed", `${error.message}.`);
    throw error;
  }
}

/** Holds a log to what a request of its own is held to before its body is looked into. */
function requireSendable(
  { credential, contentEncoding, body }: BatchedLog,
): Pick<SentLog, "credential" | "contentEncoding" | "body"> {
  if (contentEncoding === undefined) {
    throw new Refusal("media_type", "The content encoding is neither absent nor gzip.");
  }
  if (credential.use > MAX_USE_ON_WIRE) {
    throw new Refusal("credential_malformed", `The use is more than ${MAX_USE_ON_WIRE}.`);
  }
  if (body.length > MAX_BODY_BYTES) {
    throw new Refusal("body_too_large", `The body has more than ${MAX_BODY_BYTES} bytes.`);
  }
  return { credential, contentEncoding, body };
}

async function accept(service: Server, log: SentLog): Promise<AcceptedLog> {
  // Other regions may have been asked meanwhile, and took their time: keys end by the clock of now.
  return await acceptLog(service, { ...log, nowSeconds: service.now() });
}

function storedOutcome({ accepted, rejected, replayed }: AcceptedLog): Outcome {
  return {
    counted: replayed ? "replayed" : "accepted",
    answer: { status: 200, accepted, rejected, replayed },
  };
}

function refusedOutcome(error: unknown): Outcome {
  const { code, retryAfter, problem } = describeProblem(error);
  return { counted: code, answer: { ...problem, "retry-after": retryAfter } };
}
