/**
 * One pass of a client through its queue: what was bound before is sent again, what waits is bound and sent, and tokens
 * are fetched for it.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { DropReason } from "../base/codes.ts";
import type { Collection } from "../base/collection.ts";
import { isDue } from "../http/backoff.ts";
import type { Directory } from "../http/directory.ts";
import type { CachedDocument } from "../http/document.ts";
import type { Commit } from "../storage/commit.ts";
import type { Device } from "../tokens/device.ts";
import type { Missing } from "../tokens/issuance.ts";
import { usesOfBatch } from "../tokens/blinding.ts";
import type { FetchesTokens } from "../tokens/when_needed.ts";
import { spendableTokens, usesLeft } from "../tokens/wallet.ts";
import { MAX_EVENTS } from "./body.ts";
import { dropEvents } from "./drops.ts";
import { type PageEnd, quietUntil } from "./page_end.ts";
import { type Binding, type Queue, readQueue } from "./queue.ts";
import type { QueuedRequest } from "./request.ts";
import type { Sender } from "./sender.ts";

/** Requests that wait for another try before no new one is bound. */
const MAX_HELD = 4;
/** Token requests of one pass. */
const MAX_FETCHES = 3;
/** The share of what a request for tokens brings that is left when the next one is made. */
const SPARE_SHARE = 1 / 8;

/**
 * Why the client works: to have tokens before they are needed, to send after a random delay, because the app asks for
 * it, or because the page may end at any moment.
 */
export type Trigger = "tokens" | "delay" | "flush" | "hidden";

/** What a pass left: nothing, something to send after a delay, something that failed; or the service wants no more. */
export type PassOutcome = "done" | "again" | "later" | "stop";

/** What passes take of their client. */
export interface PassParts {
  readonly commit: Commit;
  readonly clock: Clock;
  readonly device: Device;
  readonly directory: CachedDocument<Directory>;
  readonly schema: CachedDocument<Collection>;
  readonly issuance: FetchesTokens;
  readonly queue: Queue;
  readonly sender: Sender;
  /** Told whether a pass waits for no backoff of the client's own. */
  readonly urgency: { isForced: boolean };
  readonly pageEnd: PageEnd;
  /** A pass ends early once the client is not open any more. */
  readonly isOpen: () => boolean;
}

/** The passes of one client, one after the other. */
export class Passes {
  readonly #parts: PassParts;
  #drops = new Map<DropReason, number>();
  /** The pseudonym that they are counted under. */
  #pseudonym: string | undefined;
  /** Most events of a body; fewer after one was too large for the service. */
  #maxEvents = MAX_EVENTS;

  /** Nothing is done yet. */
  constructor(parts: PassParts) {
    this.#parts = parts;
  }

  /** Counts dropped events, which the next pass reports. */
  countDrops(reason: DropReason, events: number): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + events);
  }

  /** Forgets them: those of before an opt-out are nobody's business. */
  forgetDrops(): void {
    this.#drops.clear();
  }

  /** Works through the queue. */
  async run(trigger: Trigger): Promise<PassOutcome> {
    const { clock, commit, isOpen, pageEnd, schema, sender, urgency } = this.#parts;
    urgency.isForced = trigger === "flush" || trigger === "hidden";
    await pageEnd.withdraw();
    const { events, requests } = await commit(readQueue);
    if (trigger !== "tokens") {
      if (events.length === 0 && requests.length === 0) return "done";
      // What the service asked of one log it asked of all.
      if (requests.some(({ record }) => record.asked && !isDue(record, clock.now(), true))) return "later";
    }
    const collection = await schema.get();
    if (collection === undefined) return "later";
    const isHidden = trigger === "hidden";
    // Nothing leaves as a page ends, or may, beside an issuance.
    if (isHidden && clock.now() < await commit((entries) => quietUntil(entries, clock))) return "again";
    if (trigger === "tokens" && requests.some(({ record }) => record.ready !== undefined)) return "done";
    if (trigger === "tokens") {
      await this.#fetchAhead(collection, events.length);
      return "done";
    }
    const pseudonym = await this.#enqueueDrops(collection);
    const isDelayed = trigger === "delay";
    let held = 0;
    // Logs of two pseudonyms that went out together would be linked by the time: of a pass after a delay all have one.
    let under: string | undefined;
    // As a page ends, all that leaves is of one token.
    let nonce: string | undefined;
    let isLeft = false;
    const isOther = (other: string) => isDelayed && (under ?? other) !== other;
    const stored = [...requests];
    for (let [first] = stored; first !== undefined; [first] = stored) {
      if (!isOpen()) return "done";
      const { record } = first;
      if (isOther(record.pseudonym) || isHidden && (nonce ?? record.nonce) !== record.nonce) {
        isLeft = true;
        stored.shift();
        continue;
      }
      if (isDue(record, clock.now(), !isDelayed)) ({ pseudonym: under, nonce } = record);
      const drops = new Map(this.#drops);
      const outcomes = await sender.resend(collection, stored, !isDelayed);
      // What became of a log of another pseudonym is not told under this one: it could link the two.
      if (record.pseudonym !== pseudonym) this.#drops = drops;
      if (outcomes.includes("stop")) return "stop";
      held += outcomes.filter((outcome) => outcome === "later").length;
      if (held >= MAX_HELD) return "later";
    }
    if (isOther(pseudonym)) return "again";
    const outcome = await this.#sendWaiting(events.length, trigger, nonce);
    if (outcome === "done" && isLeft) return "again";
    return outcome === "done" && held > 0 && isOpen() ? "later" : outcome;
  }

  /** Binds and sends the events that wait, about `events` of them. `sent`: the token of what went out in this pass already. */
  async #sendWaiting(events: number, trigger: Trigger, sent: string | undefined): Promise<PassOutcome> {
    const { isOpen, issuance, queue, schema, sender } = this.#parts;
    let fetches = 0;
    while (isOpen()) {
      // An answer may have shown that it changed: what still waits must not be refused for that as well.
      const collection = await schema.get();
      if (collection === undefined) return "later";
      const group: QueuedRequest[] = [];
      let kind: Binding["kind"] = "bound";
      while (kind === "bound" && sender.hasRoom(group)) {
        const bound = await queue.bind(
          collection,
          this.#maxEvents,
          group[0]?.record.nonce ?? (trigger === "hidden" ? sent : undefined),
        );
        if (bound.kind === "bound") group.push(bound.request);
        kind = bound.kind;
      }
      if (group.length > 0) {
        sent = group[0]?.record.nonce;
        const outcomes = await sender.send(collection, group);
        if (outcomes.includes("stop")) return "stop";
        if (outcomes.includes("later")) return "later";
        const split = group.filter((_, index) => outcomes[index] === "split");
        for (const { record } of split) this.#maxEvents = Math.max(1, Math.floor(record.events.length / 2));
        continue;
      }
      if (kind === "empty") return "done";
      if (kind === "held" || kind === "changed" && trigger === "hidden") return "later";
      if (kind === "no_token") {
        // A service that issues tokens and refuses them again must not keep the client busy.
        if (trigger === "hidden" || ++fetches > MAX_FETCHES) return "later";
        // Who signs in as soon as a log was sent, or refused, could be paired with it.
        if (trigger === "delay" && sent !== undefined) return "again";
        const logs = Math.ceil(events / this.#maxEvents) + 1;
        const missing = this.#missing(collection, { enough: 1, logs });
        if (!await issuance.fetch({ collection, missing }, trigger === "flush")) return "later";
        // A log that follows its token at once could be paired with it.
        if (trigger === "delay") return "again";
      }
    }
    return "done";
  }

  /** Fetches the next token before the last runs out. */
  async #fetchAhead(collection: Collection, events: number): Promise<void> {
    const { commit, directory, issuance } = this.#parts;
    const logs = Math.ceil(events / this.#maxEvents);
    const known = await directory.load();
    const enough = logs + (known === undefined ? 0 : usesOfBatch(known) * SPARE_SHARE);
    const missing = this.#missing(collection, { enough, logs });
    // The directory is not asked for while there is enough.
    if (await commit(missing) > 0) await issuance.fetch({ collection, missing }, false);
  }

  /** Tells how many of `logs` have no token: at least one while tokens have fewer than `enough` uses left. */
  #missing(collection: Collection, { enough, logs }: { enough: number; logs: number }): Missing {
    const { clock, device } = this.#parts;
    return (entries) => {
      const pseudonym = device.pseudonym(entries, collection);
      const left = usesLeft(spendableTokens(entries, pseudonym, clock));
      return left >= enough ? 0 : Math.max(logs - left, 1);
    };
  }

  /** Logs what was dropped under the pseudonym of now, where the application collects that; that pseudonym. */
  async #enqueueDrops(collection: Collection): Promise<string> {
    const { clock, commit, device, queue } = this.#parts;
    const pseudonym = await commit((entries) => device.pseudonym(entries, collection));
    const drops = (this.#pseudonym ?? pseudonym) === pseudonym ? [...this.#drops] : [];
    this.#pseudonym = pseudonym;
    this.#drops.clear();
    const events = dropEvents(collection, drops, { at: clock.now() / 1000, pseudonym });
    if (events.length > 0) await queue.enqueue(() => collection, () => events);
    return pseudonym;
  }
}
