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
import type { LogBatches, Report } from "../base/types.ts";
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
const NOTHING = new Uint8Array();
/** So many of a log's uses were taken, and its token is a copy of one that is spent elsewhere. */
const MAX_TAKEN = 2;
/** So many requests of several in a row had no answer, and they are sent one by one from then on. */
const MAX_FAILURES = 3;

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
  /** How several logs go out together; each goes by itself without. */
  readonly logBatches?: LogBatches | undefined;
}

/** Sends the requests of one client. */
export class Sender {
  readonly #parts: SenderParts;
  /** The token of the last answer, if it was taken: only then do others of its logs go out together. */
  #taken: string | undefined;
  #failures = 0;

  /** Nothing is sent yet. */
  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** Whether another log of the same token may go out in the request of these. */
  hasRoom(group: readonly QueuedRequest[]): boolean {
    const { isHidden, logBatches } = this.#parts;
    const [first] = group;
    return first === undefined || this.#taken === first.record.nonce && this.#failures < MAX_FAILURES &&
        logBatches?.hasRoom(group.length, isHidden()) === true;
  }

  /**
   * Takes requests off the front of those that were stored by an earlier pass, one or several of one token, and sends
   * those that are due: the same bytes, or none. `force` does not wait for the client's own backoff.
   */
  async resend(collection: Collection, stored: QueuedRequest[], force: boolean): Promise<SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    const group: QueuedRequest[] = [];
    for (let request = stored.shift(); request !== undefined;) {
      const isLater = !isDue(request.record, this.#parts.clock.now(), force);
      const started = isLater ? undefined : await this.#start(collection, request);
      if (started === undefined) outcomes.push(isLater ? "later" : "done");
      else group.push(started);
      const [next] = stored;
      const goesAlong = next?.record.nonce === group[0]?.record.nonce && this.hasRoom(group);
      request = goesAlong ? stored.shift() : undefined;
    }
    return [...outcomes, ...await this.send(collection, group)];
  }

  /** Notes in its entry that a request is sent again; undefined where it is not, and has left the queue. */
  async #start(collection: Collection, { key }: QueuedRequest): Promise<QueuedRequest | undefined> {
    const { clock, commit, device } = this.#parts;
    return await commit((entries, report) => {
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
        const next = { ...record, uncertain, inFlight: true, lateAt, ready: undefined };
        write(entries, key, next);
        return { key, record: next };
      }
      // Its key ended: nobody took it, and another one may.
      if (uncertain) drop(entries, { key, record }, report, "unknown");
      else requeue(entries, { key, record }, "key_expired");
      return undefined;
    });
  }

  /**
   * Sends requests of one token whose sending is noted in their entries already, together where there are several, and
   * whatever each is bound to next. After a "stop" nothing more is sent. A single one leaves before this returns, where
   * the directory is at hand. `isHidden`: the page may end before the answer.
   */
  async send(
    collection: Collection,
    group: readonly QueuedRequest[],
    isHidden = this.#parts.isHidden(),
  ): Promise<SendOutcome[]> {
    const answers = group.length > 1 ? await this.#exchangeAll(group.map(({ record }) => record)) : [];
    const outcomes: SendOutcome[] = [];
    // What has to be fetched anew is fetched once.
    const renewed = new Set<Action>();
    for (const [index, request] of group.entries()) {
      let answer = answers[index];
      let next: Next = { kind: "moved", request };
      while (next.kind === "moved" && (answer !== undefined || !outcomes.includes("stop"))) {
        const sent: QueuedRequest = next.request;
        answer ??= await this.#exchange(logRequest(sent.record, isHidden));
        next = await this.#settleAnswer(collection, sent, answer, renewed);
        answer = undefined;
      }
      outcomes.push(next.kind === "ended" ? next.outcome : "later");
    }
    return outcomes;
  }

  async #settleAnswer(
    collection: Collection,
    request: QueuedRequest,
    answer: Answer,
    renewed: Set<Action>,
  ): Promise<Next> {
    const { commit, directory, schema } = this.#parts;
    const { key, record } = request;
    const rejected = answer.status === 200 ? rejectedOf(answer) : undefined;
    // A success that does not look like one comes from somebody in between.
    const status = answer.status === 200 ? 0 : answer.status;
    const judge = ({ uncertain }: RequestRecord) => decide(status, answer.code, uncertain);
    this.#taken = rejected && record.nonce;
    if (rejected === undefined) {
      const action = judge(record);
      if (action === "next_key" && !renewed.has(action)) await directory.get(true);
      if (action === "drop_and_renew") await schema.expire();
      renewed.add(action);
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

  /**
   * Sends several in one request, and gives the answer to each. None: they are to be sent one by one, since the service
   * does not take them together, or somebody in between.
   */
  async #exchangeAll(records: readonly RequestRecord[]): Promise<readonly Answer[]> {
    const { isHidden, logBatches, network } = this.#parts;
    if (logBatches === undefined) return [];
    const answer = await this.#exchange(logBatches.requestOf(records, isHidden()));
    const answers = logBatches.answersTo(records, answer, network.report);
    const isUnknown = ["retry", "wait"].includes(decide(answer.status, answer.code, true));
    this.#failures = answers ? 0 : isUnknown ? this.#failures + 1 : MAX_FAILURES;
    // Whatever else a success says, it says nothing of each log.
    return answers ?? (isUnknown ? records.map(() => ({ ...answer, body: NOTHING })) : []);
  }

  /** Sends to where logs go, and once more if that is elsewhere by now. */
  async #exchange(init: RequestInit): Promise<Answer> {
    const { directory, network, places } = this.#parts;
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
        ready: undefined,
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

/** What a service says of an event that it did not accept, or anything else. */
interface Rejection {
  readonly code?: unknown;
  readonly index?: unknown;
  readonly path?: unknown;
}

/** The events that an accepted request was accepted without; undefined when the answer does not say that it was. */
function rejectedOf({ body }: Answer): readonly Rejection[] | undefined {
  const { accepted, rejected } = (parseJson(body) ?? {}) as { accepted?: unknown; rejected?: unknown };
  return Number.isInteger(accepted) && Array.isArray(rejected) ? rejected : undefined;
}

/** Tells what became of the events of a request that was accepted. */
function reportAccepted(
  report: Report,
  record: RequestRecord,
  rejected: readonly Rejection[],
  { headers }: Answer,
): void {
  // A suppressed field was left out of an event that was taken.
  const refused = rejected.filter((entry) => entry?.code !== "field_suppressed").slice(
    0,
    record.events.length,
  );
  const events = record.events.length - refused.length;
  if (events > 0) report("sent", { events, replayed: headers.get("dit-replayed") === "?1" });
  for (const entry of refused) {
    const { code, index, path } = Object(entry) as Rejection;
    const event = record.events[Number(index)];
    // Words of the app's own, not whatever the service says.
    const field = Object.keys(event?.fields ?? {}).find((name) => path === `fields.${name}`);
    report("dropped", {
      events: 1,
      reason: isCode(code) ? code : "events_invalid",
      event: event?.name,
      field,
    });
  }
}

function drop(entries: Entries, { key, record }: QueuedRequest, report: Report, reason: DropReason): void {
  entries.delete(key);
  report("dropped", { events: record.events.length, reason });
}
