/**
 * Sends final requests and makes of every answer what the client's rule says (docs/protocol.md, section 6).
 *
 * @module
 */
import type { RandomSource } from "../../core/base/random.ts";
import type { Clock } from "../base/clock.ts";
import type { DropReason } from "../base/codes.ts";
import type { Collection } from "../base/collection.ts";
import { MOST_WAIT, retryAfter } from "../base/headers.ts";
import type { Report } from "../base/types.ts";
import { isDue, retryLater } from "../http/backoff.ts";
import type { Directory } from "../http/directory.ts";
import type { CachedDocument } from "../http/document.ts";
import type { Places } from "../http/places.ts";
import { type Answer, exchange, isCode, type Network, parseJson, refusalCode } from "../http/network.ts";
import { type Action, decide } from "../http/outcome.ts";
import type { Commit } from "../storage/commit.ts";
import { ACCEPTED, read, type RequestRecord, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { Device } from "../tokens/device.ts";
import { restTokens, trustToken } from "../tokens/wallet.ts";
import { requeue } from "./departure.ts";
import type { Queue } from "./queue.ts";
import { logRequest, type QueuedRequest } from "./request.ts";

const MAX_ANSWER_BYTES = 131_072;
/** So many of a log's uses were taken, and its token is a copy of one that is spent elsewhere. */
const MAX_TAKEN = 2;

/** What became of a request: it left the queue, stays for later, came apart for smaller ones, or nothing more goes. */
export type SendOutcome = "done" | "later" | "split" | "stop";

/** What comes next after an answer: an outcome, or the same log bound to another use. */
type Next =
  | { readonly kind: "ended"; readonly outcome: SendOutcome }
  | { readonly kind: "moved"; readonly request: QueuedRequest };

/** What sending takes of its client. */
export interface SenderParts {
  readonly places: Places;
  readonly network: Network;
  readonly commit: Commit;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly device: Device;
  readonly queue: Queue;
  readonly directory: CachedDocument<Directory>;
  readonly schema: CachedDocument<Collection>;
  /** Whether the page is hidden and may end at any moment. */
  readonly isHidden: () => boolean;
}

/** Sends the requests of one client. */
export class Sender {
  readonly #parts: SenderParts;

  /** Nothing is sent yet. */
  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /**
   * Sends a request that was stored by an earlier pass, if it is due: the same bytes, or none. `force` does not wait for
   * the client's own backoff.
   */
  async resend(collection: Collection, request: QueuedRequest, force: boolean): Promise<SendOutcome> {
    const { clock, commit, device } = this.#parts;
    const { key } = request;
    if (!isDue(request.record, clock.now(), force)) return "later";
    const started = await commit((entries, report) => {
      const record = read<RequestRecord>(entries, key);
      if (record === undefined) return undefined;
      // A send that began and never ended here (the process died) may have landed.
      const uncertain = record.uncertain || record.inFlight;
      // What a client of before bound, to a token of random nonce, can be answered only if it landed then.
      const isBound = record.pseudonym === "" || record.binding !== undefined;
      // A service's clock that is ahead must not end what the device's own does not: it may have landed.
      const now = uncertain ? Math.min(clock.seconds(), clock.now() / 1000) : clock.seconds();
      // What goes out under a pseudonym that is over for as long as nobody answers would tell at which hours its device
      // is there, and so does the next one: an hour is left to it.
      const isCurrent = device.pseudonym(entries, collection) === record.pseudonym;
      const lateAt = isCurrent ? undefined : record.lateAt ?? clock.now();
      if (lateAt !== undefined && !(Math.abs(clock.now() - lateAt) < MOST_WAIT)) {
        drop(entries, { key, record }, report, uncertain ? "unknown" : "period_over");
        return undefined;
      }
      if (now < record.redeemUntil && (uncertain || isBound)) {
        const next = { ...record, uncertain, inFlight: true, lateAt };
        write(entries, key, next);
        return { key, record: next };
      }
      // Its key ended: nobody took it, and another one may.
      if (!uncertain) return requeue(entries, { key, record }, "key_expired");
      drop(entries, { key, record }, report, "unknown");
      return undefined;
    });
    return started === undefined ? "done" : await this.send(collection, started);
  }

  /** Sends a request whose sending is noted in its entry already, and whatever it is bound to next. */
  async send(collection: Collection, request: QueuedRequest): Promise<SendOutcome> {
    for (;;) {
      const next = await this.#sendOnce(collection, request);
      if (next.kind === "ended") return next.outcome;
      request = next.request;
    }
  }

  async #sendOnce(collection: Collection, request: QueuedRequest): Promise<Next> {
    const { commit, directory, schema } = this.#parts;
    const { key, record } = request;
    const answer = await this.#exchange(record);
    const rejected = answer.status === 200 ? rejectedOf(answer) : undefined;
    // A success that does not look like one comes from somebody in between.
    const status = answer.status === 200 ? 0 : answer.status;
    const judge = ({ uncertain }: RequestRecord) => decide(status, answer.code, uncertain);
    if (rejected === undefined) {
      const action = judge(record);
      if (action === "next_key") await directory.get(true);
      if (action === "drop_and_renew") await schema.expire();
    } else if (rejected.length > 0) await schema.expire();
    return await commit((entries, report) => {
      const current = read<RequestRecord>(entries, key);
      // Another tab sent the same bytes and finished first.
      if (current?.mac !== record.mac) return { kind: "ended", outcome: "done" };
      if (rejected !== undefined) {
        entries.delete(key);
        entries.set(ACCEPTED, "1");
        trustToken(entries, record.nonce);
        reportAccepted(report, record, rejected, answer);
        return { kind: "ended", outcome: "done" };
      }
      // Judged anew: another tab may have begun to send the same bytes meanwhile.
      const judged = { request: { key, record: current }, action: judge(current), answer };
      const moved = this.#move(entries, collection, judged);
      if (moved !== undefined) return moved;
      return { kind: "ended", outcome: this.#settle(entries, report, judged) };
    });
  }

  /** Sends it to where logs go, and once more if that is elsewhere by now. */
  async #exchange(record: RequestRecord): Promise<Answer> {
    const { directory, isHidden, network, places } = this.#parts;
    const init = logRequest(record, isHidden());
    const place = places.logging(
      directory.current ?? await directory.load() ?? await directory.get(),
    );
    const send = (to: string) =>
      exchange(network, { step: "logs", url: `${to}/logs`, init, maxBytes: MAX_ANSWER_BYTES });
    const answer = await send(place);
    if (answer.code !== "route_unknown") return answer;
    const next = places.logging(await directory.get(true));
    return next === place ? answer : await send(next);
  }

  /** Moves a request that was surely not taken to another use or token, where that is what the answer asks for. */
  #move(entries: Entries, collection: Collection, { request, action, answer }: Judged): Next | undefined {
    const { record } = request;
    const isOver = action === "next_token" || (action === "next_use" && record.moves >= MAX_TAKEN);
    restTokens(
      entries,
      this.#parts.clock,
      ({ keyId, nonce }) => action === "next_key" ? keyId === record.keyId : isOver && nonce === record.nonce,
    );
    if (action !== "next_key" && action !== "next_token" && action !== "next_use") return undefined;
    const moved = this.#parts.queue.rebind(entries, collection, request, refusalCode(answer));
    return moved === undefined ? { kind: "ended", outcome: "done" } : { kind: "moved", request: moved };
  }

  /** Keeps a request for later, takes it apart, or drops it. */
  #settle(entries: Entries, report: Report, { request, action, answer }: Judged): SendOutcome {
    const { clock, random } = this.#parts;
    const { key, record } = request;
    if (action === "retry" || action === "wait" || action === "stop") {
      const wait = retryAfter(answer.headers);
      write<RequestRecord>(entries, key, {
        ...record,
        ...retryLater(record, clock.now(), random, wait),
        uncertain: record.uncertain || action === "retry",
        inFlight: false,
      });
      return action === "stop" ? "stop" : "later";
    }
    if (action === "split" && record.events.length > 1) {
      requeue(entries, request, refusalCode(answer));
      return "split";
    }
    drop(entries, request, report, action === "unknown" ? action : refusalCode(answer));
    return "done";
  }
}

/** A request, the answer to it, and what that means. */
interface Judged {
  readonly request: QueuedRequest;
  readonly action: Action;
  readonly answer: Answer;
}

/** The events that an accepted request was accepted without; undefined when the answer does not say that it was. */
function rejectedOf({ body }: Answer): readonly { code?: unknown }[] | undefined {
  const { accepted, rejected } = (parseJson(body) ?? {}) as { accepted?: unknown; rejected?: unknown };
  return Number.isInteger(accepted) && Array.isArray(rejected) ? rejected : undefined;
}

/** Tells what became of the events of a request that was accepted. */
function reportAccepted(
  report: Report,
  record: RequestRecord,
  rejected: readonly { code?: unknown }[],
  { headers }: Answer,
): void {
  // A suppressed field was left out of an event that was taken.
  const codes = rejected.map((entry) => entry?.code).filter((code) => code !== "field_suppressed")
    .slice(0, record.events.length);
  const events = record.events.length - codes.length;
  if (events > 0) report("sent", { events, replayed: headers.get("dit-replayed") === "?1" });
  for (const code of codes) {
    report("dropped", { events: 1, reason: isCode(code) ? code : "events_invalid" });
  }
}

function drop(entries: Entries, { key, record }: QueuedRequest, report: Report, reason: DropReason): void {
  entries.delete(key);
  report("dropped", { events: record.events.length, reason });
}
