/**
 * Sends final requests and makes of every answer what the client's rule says (docs/protocol.md, section 6).
 *
 * @module
 */
import { fromBase64url } from "../core/bytes.ts";
import { formatCredential } from "../core/token/credential.ts";
import { isDue, retryLater } from "./backoff.ts";
import type { Collection } from "./collection.ts";
import { type Answer, exchange, problemCode, readJson, retryAfter } from "./http.ts";
import { type Action, decide } from "./outcome.ts";
import type { Queue, QueuedRequest } from "./queue.ts";
import { readRecord, type RequestRecord, writeRecord } from "./records.ts";
import type { Entries } from "./storage.ts";
import type { Surroundings } from "./surroundings.ts";
import { dropKey, dropToken, noteTaken } from "./wallet.ts";

const MAX_ANSWER_BYTES = 128 * 1024;
/** How often a log may move before it is given up: a service that refuses every use must not spend all tokens. */
const MAX_MOVES = 8;
/** Longest wait that the service may ask for, in milliseconds. */
const MOST_WAIT = 86_400_000;

/** What the caller does after a send. */
export type SendOutcome =
  /** It left the queue. */
  | "done"
  /** It stays as it is, for later. */
  | "later"
  /** It was bound anew: send that next. */
  | QueuedRequest
  /** Its events wait again. */
  | "requeued"
  /** As `requeued`, and fewer events at a time. */
  | "split"
  /** Send nothing more. */
  | "stop";

/** What the sender asks its client to fetch anew. */
export interface Renewals {
  directory(): Promise<unknown>;
  schema(): void;
}

/** Sends the requests of one queue. */
export class Sender {
  /** Uses the queue's rebinding, and asks for renewals when an answer shows that something is old. */
  constructor(
    private readonly surroundings: Surroundings,
    private readonly queue: Queue,
    private readonly renewals: Renewals,
  ) {}

  /** Sends a request that was stored before, if it is due. */
  async resend(request: QueuedRequest, collection: Collection, force: boolean): Promise<SendOutcome> {
    const { storage, clock, report } = this.surroundings;
    if (!isDue(request.record, clock.milliseconds(), force)) return "later";
    let dropped = 0;
    const started = await storage.transaction((entries): QueuedRequest | "done" => {
      dropped = 0;
      const record = readRecord<RequestRecord>(entries, request.key);
      if (record === undefined) return "done";
      // A send that began and never ended here (the process died) may have landed.
      const uncertain = record.uncertain || record.inFlight;
      if (clock.seconds() >= record.redeemUntil) {
        if (uncertain) {
          entries.delete(request.key);
          dropped = record.events.length;
          return "done";
        }
        return this.queue.rebind(entries, { key: request.key, record }, collection) ?? "done";
      }
      const next: RequestRecord = { ...record, uncertain, inFlight: true };
      writeRecord(entries, request.key, next);
      return { key: request.key, record: next };
    });
    if (dropped > 0) report("dropped", { events: dropped, reason: "unknown" });
    return started === "done" ? "done" : await this.send(started, collection);
  }

  /** Sends a request whose sending is already noted in its entry. */
  async send(request: QueuedRequest, collection: Collection): Promise<SendOutcome> {
    const { fetch, url, report, clock } = this.surroundings;
    const { record } = request;
    let answer: Answer;
    try {
      answer = await exchange(fetch, `${url}/logs`, logRequest(record), MAX_ANSWER_BYTES);
    } catch {
      report("refused", { step: "logs", code: "no_answer" });
      return await this.#act(request, "retry", "no_answer", collection);
    }
    if (answer.status === 200) {
      const accepted = readAccepted(answer, record.events.length);
      // Not the service's answer: a proxy or a sign-in page in between.
      if (accepted === undefined) return await this.#act(request, "retry", "foreign_answer", collection);
      return await this.#finish(request, accepted, answer.headers.get("dit-replayed") === "?1");
    }
    const code = problemCode(answer);
    report("refused", { step: "logs", code: code ?? `status_${answer.status}` });
    const action = decide(answer.status, code, record.uncertain);
    const wait = retryAfter(answer.headers, clock.milliseconds(), MOST_WAIT);
    return await this.#act(request, action, code ?? `status_${answer.status}`, collection, wait);
  }

  async #finish(request: QueuedRequest, accepted: Accepted, replayed: boolean): Promise<SendOutcome> {
    const { storage, report } = this.surroundings;
    await storage.transaction((entries) => {
      entries.delete(request.key);
      noteTaken(entries, request.record.nonce, false);
    });
    if (accepted.events > 0) report("sent", { events: accepted.events, replayed });
    for (const reason of accepted.rejected) report("dropped", { events: 1, reason });
    if (accepted.rejected.length > 0) this.renewals.schema();
    return "done";
  }

  async #act(
    request: QueuedRequest,
    action: Action,
    reason: string,
    collection: Collection,
    wait?: number,
  ): Promise<SendOutcome> {
    const { storage, report } = this.surroundings;
    if (action === "next_key") await this.renewals.directory();
    if (action === "drop_and_renew") this.renewals.schema();
    let dropped: string | undefined;
    const outcome = await storage.transaction((entries): SendOutcome => {
      dropped = undefined;
      const record = readRecord<RequestRecord>(entries, request.key);
      // Another tab sent the same bytes and finished first.
      if (record === undefined || record.mac !== request.record.mac) return "done";
      const current = { key: request.key, record };
      const result = this.#settle(entries, current, action, collection, wait);
      if (result === "drop" || result === "unknown") {
        entries.delete(request.key);
        dropped = result === "drop" ? reason : "unknown";
        return "done";
      }
      return result;
    });
    if (dropped !== undefined) report("dropped", { events: request.record.events.length, reason: dropped });
    return outcome;
  }

  #settle(
    entries: Entries,
    request: QueuedRequest,
    action: Action,
    collection: Collection,
    wait: number | undefined,
  ): SendOutcome | "drop" | "unknown" {
    const { clock, random } = this.surroundings;
    const { record, key } = request;
    switch (action) {
      case "retry":
      case "wait":
      case "stop": {
        const retry = retryLater(record, clock.milliseconds(), random, wait);
        const uncertain = record.uncertain || action === "retry";
        writeRecord<RequestRecord>(entries, key, { ...record, ...retry, uncertain, inFlight: false });
        return action === "stop" ? "stop" : "later";
      }
      case "next_use":
        noteTaken(entries, record.nonce, true);
        break;
      case "next_token":
        dropToken(entries, record.nonce);
        break;
      case "next_key":
        dropKey(entries, record.keyId);
        break;
      case "split":
        if (record.events.length === 1) return "drop";
        this.queue.requeue(entries, request);
        return "split";
      case "unknown":
        return "unknown";
      case "drop":
      case "drop_and_renew":
        return "drop";
    }
    if (record.moves >= MAX_MOVES) return "drop";
    return this.queue.rebind(entries, request, collection) ?? "requeued";
  }
}

/** A log request: nothing but what the protocol names. */
function logRequest(record: RequestRecord): RequestInit {
  const headers: Record<string, string> = {
    authorization: formatCredential({
      keyId: fromBase64url(record.keyId),
      nonce: fromBase64url(record.nonce),
      use: record.use,
      mac: fromBase64url(record.mac),
    }),
    "content-type": "application/json",
  };
  if (record.contentEncoding !== "") headers["content-encoding"] = record.contentEncoding;
  return { method: "POST", headers, body: fromBase64url(record.body) };
}

/** What a success says. */
interface Accepted {
  readonly events: number;
  /** The codes of the events that were not taken. */
  readonly rejected: string[];
}

function readAccepted(answer: Answer, events: number): Accepted | undefined {
  const document = readJson(answer) as { accepted?: unknown; rejected?: unknown } | null | undefined;
  const accepted = document?.accepted;
  if (!Number.isInteger(accepted) || (accepted as number) < 0 || (accepted as number) > events) {
    return undefined;
  }
  const listed = Array.isArray(document?.rejected) ? document.rejected as unknown[] : [];
  const codes = listed.map((entry) => (entry as { code?: unknown } | null)?.code)
    .filter((code): code is string => typeof code === "string" && /^[a-z_]{1,64}$/.test(code));
  // A suppressed field was dropped from an event that was taken.
  return { events: accepted as number, rejected: codes.filter((code) => code !== "field_suppressed") };
}
