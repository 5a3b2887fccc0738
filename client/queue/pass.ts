/**
 * One pass of a client through its queue: what was bound before is sent again, what waits is bound and sent, and tokens
 * are fetched for it.
 *
 * @module
 */
import { MAX_EVENTS } from "./body.ts";
import type { Collection } from "../base/collection.ts";
import { commit, type Context } from "../base/context.ts";
import type { Directory } from "../http/directory.ts";
import type { CachedDocument } from "../http/document.ts";
import { dropEvents } from "./drops.ts";
import { currentPseudonym } from "../tokens/identity.ts";
import { fetchTokens, type Lack } from "../tokens/issuance.ts";
import { bind, enqueue, readQueue } from "./queue.ts";
import { Sender } from "./sender.ts";
import { MAX_USES, spendableTokens, usesLeft } from "../tokens/wallet.ts";

/** Requests that wait for another try before no new one is bound. */
const MAX_HELD = 4;
/** Token requests of one pass. */
const MAX_FETCHES = 3;
/** The share of a token's uses that is left when the next one is fetched. */
const SPARE_SHARE = 1 / 8;

/**
 * Why the client works: to have tokens before they are needed, to send after a random delay, because the app asks for
 * it, or because the page may end at any moment.
 */
export type Occasion = "tokens" | "delay" | "flush" | "hidden";

/** What a pass left: nothing, something to send after a delay, something that failed; or the service wants no more. */
export type PassOutcome = "done" | "again" | "later" | "stop";

/** The passes of one client, one after the other. */
export class Passes {
  readonly #context: Context;
  readonly #directory: CachedDocument<Directory>;
  readonly #schema: CachedDocument<Collection>;
  readonly #isOpen: () => boolean;
  readonly #drops = new Map<string, number>();
  #maxEvents = MAX_EVENTS;

  /** A pass ends early once the client is not open any more. */
  constructor(
    context: Context,
    directory: CachedDocument<Directory>,
    schema: CachedDocument<Collection>,
    isOpen: () => boolean,
  ) {
    this.#context = context;
    this.#directory = directory;
    this.#schema = schema;
    this.#isOpen = isOpen;
  }

  /** Counts dropped events, which the next pass reports. */
  countDrops(reason: string, events: number): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + events);
  }

  /** Works through the queue. */
  async run(occasion: Occasion): Promise<PassOutcome> {
    const context = this.#context;
    const { events, requests } = await commit(context, readQueue);
    if (occasion !== "tokens" && events.length === 0 && requests.length === 0) return "done";
    const collection = await this.#schema.get();
    if (collection === undefined) return "later";
    if (occasion === "tokens") {
      await this.#provide(collection, events.length);
      return "done";
    }
    await this.#enqueueDrops(collection);
    const sender = new Sender(context, collection, {
      directory: () => this.#directory.get(true),
      schema: () => this.#schema.expire(),
    });
    let held = 0;
    let fetches = 0;
    for (const request of requests) {
      if (!this.#isOpen()) return "done";
      const outcome = await sender.resend(request, occasion !== "delay");
      if (outcome === "stop") return outcome;
      if (outcome === "later" && ++held >= MAX_HELD) return "later";
    }
    while (this.#isOpen()) {
      const bound = await bind(context, collection, this.#maxEvents);
      if (bound === "empty") return held === 0 ? "done" : "later";
      if (bound === "changed") continue;
      if (bound === "no_token") {
        // A service that issues tokens and refuses them again must not keep the client busy.
        if (occasion === "hidden" || ++fetches > MAX_FETCHES) return "later";
        const lack = this.#lack(collection, 1, Math.ceil(events.length / this.#maxEvents) + 1);
        if (!await fetchTokens(context, this.#directory, lack, occasion === "flush")) return "later";
        // A log that follows its token at once could be paired with it.
        if (occasion === "delay") return "again";
        continue;
      }
      const outcome = await sender.send(bound);
      if (outcome === "stop" || outcome === "later") return outcome;
      if (outcome === "split") this.#maxEvents = Math.max(1, Math.floor(bound.record.events.length / 2));
    }
    return "done";
  }

  /** Fetches the next token before the last runs out. */
  async #provide(collection: Collection, events: number): Promise<void> {
    const needed = Math.ceil(events / this.#maxEvents);
    const uses = (await this.#directory.load())?.usesPerToken ?? 0;
    const lack = this.#lack(collection, needed + Math.min(uses, MAX_USES) * SPARE_SHARE, needed);
    // The directory is not asked for while there is enough.
    if (await commit(this.#context, lack) > 0) {
      await fetchTokens(this.#context, this.#directory, lack, false);
    }
  }

  /** Finds how many of `needed` logs have no token, at least one while tokens have fewer than `enough` uses left. */
  #lack(collection: Collection, enough: number, needed: number): Lack {
    const context = this.#context;
    return (entries) => {
      const pseudonym = currentPseudonym(context, entries, collection);
      const left = usesLeft(spendableTokens(entries, pseudonym, context.clock.seconds()));
      return left >= enough ? 0 : Math.max(needed - left, 1);
    };
  }

  /** Logs what was dropped, where the application collects that. */
  async #enqueueDrops(collection: Collection): Promise<void> {
    const drops = [...this.#drops];
    this.#drops.clear();
    const events = dropEvents(collection, drops, this.#context.clock.now() / 1000);
    if (events.length > 0) await enqueue(this.#context, collection, events);
  }
}
