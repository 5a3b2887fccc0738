/**
 * Sends final requests and makes of every answer what the client's rule says (docs/protocol.md, section 6).
 *
 * @module
 */
import { fromBase64url } from "../../core/base/bytes.ts";
import { formatEncoded } from "../../core/token/credential.ts";
import { isDue, retryLater } from "../http/backoff.ts";
import type { Collection } from "../base/collection.ts";
import { commit, type Context } from "../base/context.ts";
import { type Answer, exchange, isCode, parseJson, refusalCode, retryAfter } from "../http/http.ts";
import { type Action, decide } from "../http/outcome.ts";
import { type QueuedRequest, rebind, requeue } from "./queue.ts";
import { read, type RequestRecord, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { Report } from "../base/types.ts";
import { dropTokens } from "../tokens/wallet.ts";

const MAX_ANSWER_BYTES = 131_072;
/** How often a log may move before it is given up: a service that refuses every use must not spend all tokens. */
const MAX_MOVES = 8;
/** So many of a log's uses were taken, and its token is a copy of one that is spent elsewhere. */
const MAX_TAKEN = 2;
/** Longest wait that the service may ask for, in seconds. */
const MOST_WAIT_SECONDS = 86_400;
/** Largest body of a request that outlives its page: all of a page's together may have 64 KiB. */
const MAX_KEEPALIVE_BYTES = 16_384;

/** What became of a request: it left the queue, stays for later, came apart for smaller ones, or nothing more goes. */
export type SendOutcome = "done" | "later" | "split" | "stop";

/** What an answer shows to be old. */
export interface Renewals {
  directory(): Promise<unknown>;
  schema(): Promise<unknown>;
}

/** Sends requests for one pass of a client. */
export class Sender {
  readonly #context: Context;
  readonly #collection: Collection;
  readonly #renewals: Renewals;

  /** Every request is judged by one `collection`. */
  constructor(context: Context, collection: Collection, renewals: Renewals) {
    this.#context = context;
    this.#collection = collection;
    this.#renewals = renewals;
  }

  /** Sends a request that was stored by an earlier pass, if it is due: the same bytes, or none. */
  async resend({ key, record: before }: QueuedRequest, force: boolean): Promise<SendOutcome> {
    const context = this.#context;
    if (!isDue(before, context.clock.now(), force)) return "later";
    const started = await commit(context, (entries, report) => {
      const record = read<RequestRecord>(entries, key);
      if (record === undefined) return undefined;
      // A send that began and never ended here (the process died) may have landed.
      const uncertain = record.uncertain || record.inFlight;
      if (context.clock.seconds() < record.redeemUntil) {
        const next = { ...record, uncertain, inFlight: true };
        write(entries, key, next);
        return { key, record: next };
      }
      if (!uncertain) return rebind(context, entries, { key, record }, this.#collection);
      drop(entries, report, { key, record }, "unknown");
      return undefined;
    });
    return started === undefined ? "done" : await this.send(started);
  }

  /** Sends a request whose sending is noted in its entry already, and whatever it is bound to next. */
  async send(request: QueuedRequest): Promise<SendOutcome> {
    const context = this.#context;
    const { key, record } = request;
    const answer = await exchange(
      context,
      "logs",
      `${context.url}/logs`,
      logRequest(record, context.isHidden()),
      MAX_ANSWER_BYTES,
    );
    const rejected = answer.status === 200 ? rejectedOf(answer) : undefined;
    // A success that does not look like one comes from somebody in between.
    const status = answer.status === 200 ? 0 : answer.status;
    const judge = ({ uncertain }: RequestRecord) => decide(status, answer.code, uncertain);
    const action = !rejected && judge(record);
    if (action === "next_key") await this.#renewals.directory();
    if (action === "drop_and_renew" || rejected?.length) await this.#renewals.schema();
    const outcome = await commit(context, (entries, report) => {
      const current = read<RequestRecord>(entries, key);
      // Another tab sent the same bytes and finished first.
      if (current?.mac !== record.mac) return "done";
      if (rejected) return finish(entries, report, request, rejected, answer);
      // Judged anew: another tab may have begun to send the same bytes meanwhile.
      return this.#settle(entries, report, { key, record: current }, judge(current), answer);
    });
    return typeof outcome === "object" ? await this.send(outcome) : outcome;
  }

  #settle(
    entries: Entries,
    report: Report,
    request: QueuedRequest,
    action: Action,
    answer: Answer,
  ): SendOutcome | QueuedRequest {
    const context = this.#context;
    const { record, key } = request;
    const { keyId, nonce } = record;
    if (action === "retry" || action === "wait" || action === "stop") {
      const wait = retryAfter(answer.headers, MOST_WAIT_SECONDS);
      write<RequestRecord>(entries, key, {
        ...record,
        ...retryLater(record, context.clock.now(), context.random, wait),
        uncertain: record.uncertain || action === "retry",
        inFlight: false,
      });
      return action === "stop" ? "stop" : "later";
    }
    if (action === "split" && record.events.length > 1) {
      requeue(entries, request);
      return "split";
    }
    if (action === "next_key") dropTokens(entries, (token) => token.keyId === keyId);
    if (action === "next_token" || (action === "next_use" && record.moves >= MAX_TAKEN)) {
      dropTokens(entries, (token) => token.nonce === nonce);
    }
    if (action.startsWith("next_") && record.moves < MAX_MOVES) {
      return rebind(context, entries, request, this.#collection) ?? "done";
    }
    drop(entries, report, request, action === "unknown" ? action : refusalCode(answer));
    return "done";
  }
}

/** The events that an accepted request was accepted without; undefined when the answer does not say that it was. */
function rejectedOf({ body }: Answer): readonly { code?: unknown }[] | undefined {
  const { accepted, rejected } = (parseJson(body) ?? {}) as { accepted?: unknown; rejected?: unknown };
  return Number.isInteger(accepted) && Array.isArray(rejected) ? rejected : undefined;
}

/** Takes a request that was accepted out of the queue. */
function finish(
  entries: Entries,
  report: Report,
  { key, record }: QueuedRequest,
  rejected: readonly { code?: unknown }[],
  { headers }: Answer,
): SendOutcome {
  // A suppressed field was left out of an event that was taken.
  const codes = rejected.map((entry) => entry?.code).filter((code) => code !== "field_suppressed")
    .slice(0, record.events.length);
  const events = record.events.length - codes.length;
  entries.delete(key);
  if (events > 0) report("sent", { events, replayed: headers.get("dit-replayed") === "?1" });
  for (const code of codes) {
    report("dropped", { events: 1, reason: isCode(code) ? code : "events_invalid" });
  }
  return "done";
}

function drop(entries: Entries, report: Report, { key, record }: QueuedRequest, reason: string): void {
  entries.delete(key);
  report("dropped", { events: record.events.length, reason });
}

/** A log request: nothing but what the protocol names. */
function logRequest(record: RequestRecord, isHidden: boolean): RequestInit {
  const body = fromBase64url(record.body);
  const headers: Record<string, string> = {
    authorization: formatEncoded(record),
    "content-type": "application/json",
  };
  if (record.contentEncoding) headers["content-encoding"] = record.contentEncoding;
  return { method: "POST", headers, body, keepalive: isHidden && body.length <= MAX_KEEPALIVE_BYTES };
}
