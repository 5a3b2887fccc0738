/**
 * The queue: logged events wait, are bound together to one use of a token as a final request, and leave when its
 * outcome is known (docs/protocol.md, section 6, "The client's rule").
 *
 * @module
 */
import { fromBase64url } from "../../core/base/bytes.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { floorTo, MAX_AGE_SECONDS } from "../../core/base/time.ts";
import type { Clock } from "../base/clock.ts";
import type { DropReason } from "../base/codes.ts";
import type { Collection } from "../base/collection.ts";
import type { Commit } from "../storage/commit.ts";
import {
  append,
  type EncodedEvent,
  type EventRecord,
  EVENTS,
  read,
  readAll,
  type RequestRecord,
  REQUESTS,
  type TokenRecord,
  TOKENS,
  write,
} from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { Device } from "../tokens/device.ts";
import { keepToken, spendableTokens, takeUse } from "../tokens/wallet.ts";
import { buildBody, eventLength, MAX_EVENTS_BYTES } from "./body.ts";
import { goTogether, heldBack, isMoved, requeue } from "./departure.ts";
import type { Encoder, Encoding } from "./encoding.ts";
import { reportLeftOut, Reports } from "./reports.ts";
import { type QueuedRequest, signRequest } from "./request.ts";

/** Most events that wait; the oldest give way. */
export const MAX_WAITING = 500;
/** Most characters of all entries that wait. */
const MAX_WAITING_LENGTH = 524_288;

/** What is in the queue. */
export interface QueueState {
  /** The bound requests, oldest first. */
  readonly requests: readonly QueuedRequest[];
  /** The events that wait, oldest first. */
  readonly events: readonly EventRecord[];
}

/**
 * What came of binding: a request, nothing to bind (`held`: but for what waits for another schema), no token to bind it
 * to, or entries that changed meanwhile.
 */
export type Binding =
  | { readonly kind: "bound"; readonly request: QueuedRequest }
  | { readonly kind: "empty" | "held" | "no_token" | "changed" };

/** What a queue takes of its client. */
export interface QueueParts {
  readonly app: string;
  readonly commit: Commit;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Whether to compress bodies that would not fit the smallest padded size. */
  readonly gzip: boolean;
  readonly device: Device;
  readonly encoder: Encoder;
}

/** A transaction's entries, and what is seen there: what the device reports, and the token to go on with. */
interface Look {
  readonly entries: Entries;
  readonly reports: Reports;
  readonly token: TokenRecord | undefined;
}

/** Events that were read together, to become one body. */
interface Batch {
  /** The entries that it replaces, with their texts: they must be unchanged when it is bound. */
  readonly sources: readonly (readonly [key: string, text: string | undefined])[];
  readonly events: readonly EncodedEvent[];
  /** The token that it will be bound to: its body says what binds the token to the pseudonym. */
  readonly token: TokenRecord | undefined;
  /** Whether events wait for another schema. */
  readonly isHolding: boolean;
  /** The pseudonym, and the reports under it. */
  readonly reports: Reports;
}

/** The queue of one client. */
export class Queue {
  readonly #parts: QueueParts;

  /** Everything in it is in the storage. */
  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /**
   * Stores logged events, which `take` gives in the transaction, unless it is known already that they are not collected.
   * The oldest are dropped when there are too many.
   */
  async enqueue(
    known: (entries: Entries) => Collection | undefined,
    take: (entries: Entries) => readonly EventRecord[],
  ): Promise<void> {
    const { commit, encoder } = this.#parts;
    await commit((entries, report) => {
      const collection = known(entries);
      for (const event of take(entries)) {
        const encoded = collection && encoder.encode(collection, event);
        if (encoded?.ok === false && encoded.fault !== "held") {
          report("dropped", { events: 1, reason: encoded.fault, event: event.name, field: encoded.field });
        } else append(entries, EVENTS, collection && encoded?.ok ? encoder.keep(collection, event) : event);
      }
      const waiting = entries.keys(EVENTS).map((key) => ({ key, length: entries.get(key)?.length ?? 0 }));
      let count = waiting.length;
      let total = waiting.reduce((sum, { length }) => sum + length, 0);
      for (const { key, length } of waiting) {
        if (count <= MAX_WAITING && total <= MAX_WAITING_LENGTH) break;
        count--;
        total -= length;
        entries.delete(key);
        report("dropped", { events: 1, reason: "queue_full" });
      }
    });
  }

  /**
   * Binds the oldest events, at most `maxEvents`, to the next use of a token: their entries become one final request,
   * and the use is gone, in one transaction. The caller sends it first. `nonce`: of no other token. `owner`: for the end of
   * that client's page, and only what has not left before.
   */
  async bind(collection: Collection, maxEvents: number, nonce?: string, owner?: string): Promise<Binding> {
    const { app, clock, commit, device, gzip, random } = this.#parts;
    const { sources, events, reports, token, isHolding } = await this.#nextBatch(collection, maxEvents);
    const { pseudonym } = reports;
    if (events.length === 0) return { kind: isHolding ? "held" : "empty" };
    if (token === undefined) return { kind: "no_token" };
    if (nonce !== undefined && nonce !== token.nonce) return { kind: "changed" };
    const isPlain = token.restUntil === undefined && token.uses.length > 1 &&
      !events.some(({ left }) => left);
    if (owner !== undefined && !isPlain) return { kind: "held" };
    // Compression is asynchronous, a transaction is not: so what was read is compared again.
    const body = await buildBody({ events, pseudonym, binding: token.binding, random, gzip });
    return await commit((entries, report) => {
      const tokens = spendableTokens(entries, pseudonym, clock);
      const isChanged = sources.some(([key, text]) => entries.get(key) !== text) ||
        !reports.isCurrent(entries) || tokens[0]?.nonce !== token.nonce;
      if (isChanged) return { kind: "changed" };
      if (body === undefined) {
        for (const [key] of sources) entries.delete(key);
        report("dropped", { events: events.length, reason: "body_too_large" });
        return { kind: "changed" };
      }
      // Nothing else would tell that two tokens are one client's, so that no third joins them.
      const isLast = pseudonym === "" && isMoved(events, token);
      const tokenUse = takeUse(entries, tokens[0], isLast);
      if (tokenUse === undefined) return { kind: "no_token" };
      for (const [key] of sources) entries.delete(key);
      reports.store(entries);
      device.enter(entries, collection);
      const signed = signRequest({ app, body, tokenUse, events, pseudonym, moves: 0 });
      if (owner === undefined) reportLeftOut(report, events);
      const texts = sources.flatMap(([key, text]) => text === undefined ? [] : [[key, text] as const]);
      const record = owner === undefined ? signed : { ...signed, ready: { owner, sources: texts, token } };
      return { kind: "bound", request: { key: append(entries, REQUESTS, record), record } };
    });
  }

  /** Takes a request apart that was ready for the end of its page and has not left, unless somebody else has sent it. */
  async release({ key, record }: QueuedRequest): Promise<void> {
    await this.#parts.commit((entries) => {
      const { nonce, ready, use } = record;
      if (ready === undefined || entries.get(key) !== JSON.stringify(record)) return;
      const token = read<TokenRecord>(entries, TOKENS + nonce) ?? { ...ready.token, uses: [] };
      keepToken(entries, { ...token, uses: [...token.uses, use] });
      entries.delete(key);
      for (const [source, text] of ready.sources) entries.set(source, text);
    });
  }

  /**
   * Moves a request that was surely not taken to another use of its token, under a new MAC: the same body. Where that has
   * none left, its events wait again, as they do for another token. `code`: why it was not taken.
   */
  rebind(
    entries: Entries,
    collection: Collection,
    request: QueuedRequest,
    code: DropReason,
  ): QueuedRequest | undefined {
    const { app, clock, device } = this.#parts;
    const { key, record } = request;
    const isCurrent = device.pseudonym(entries, collection) === record.pseudonym;
    const tokens = isCurrent ? spendableTokens(entries, record.pseudonym, clock) : [];
    const tokenUse = takeUse(entries, tokens.find(({ nonce }) => nonce === record.nonce));
    if (tokenUse === undefined) {
      requeue(entries, request, code, 1);
      return undefined;
    }
    const body = { bytes: fromBase64url(record.body), contentEncoding: record.contentEncoding };
    const moved = signRequest({ ...record, app, body, tokenUse, moves: record.moves + 1 });
    write(entries, key, moved);
    return { key, record: moved };
  }

  /** Reads the oldest events that fit one body, and drops those that do not go out. */
  async #nextBatch(collection: Collection, maxEvents: number): Promise<Batch> {
    const { clock, commit, device } = this.#parts;
    return await commit((entries, report) => {
      const sources: (readonly [string, string | undefined])[] = [];
      const events: EncodedEvent[] = [];
      const reports = new Reports(entries, device, collection);
      // A silence begins now, even where it leaves nothing to bind.
      reports.store(entries);
      const [token] = spendableTokens(entries, reports.pseudonym, clock);
      // A token that was refused is tried with one event: it may be of no use for ever.
      const most = token?.restUntil === undefined ? maxEvents : 1;
      let length = 0;
      let isHolding = false;
      for (const { key, record } of readAll<EventRecord>(entries, EVENTS)) {
        const encoded = this.prepare({ entries, reports, token }, collection, record);
        if (!encoded.ok) {
          if (encoded.fault === "held") {
            isHolding = true;
            continue;
          }
          entries.delete(key);
          report("dropped", { events: 1, reason: encoded.fault, event: record.name, field: encoded.field });
          continue;
        }
        length += eventLength(encoded.event);
        const [first = encoded.event] = events;
        const isFull = events.length > 0 && (length > MAX_EVENTS_BYTES || events.length >= most);
        if (isFull || !goTogether(reports.pseudonym, first, encoded.event)) break;
        sources.push([key, entries.get(key)]);
        events.push(encoded.event);
      }
      return { sources, events, reports, token, isHolding };
    });
  }

  /** An event as it goes out now, with its reports, or why it does not. */
  prepare(
    { entries, reports, token }: Look,
    collection: Collection,
    record: EventRecord,
  ): Encoding<DropReason | "held"> {
    const { clock, device, encoder } = this.#parts;
    const fault = heldBack(record, reports.pseudonym, token);
    if (fault !== undefined) return { ok: false, fault };
    const encoded = encoder.encode(collection, record);
    if (!encoded.ok && encoded.fault !== "held") return encoded;
    const { name, at } = encoded.ok ? encoded.event : record;
    // The service would give an older event another time.
    const earliest = floorTo(clock.now() / 1000 - MAX_AGE_SECONDS, collection.granularitySeconds);
    if (!(at >= earliest)) return { ok: false, fault: "too_old" };
    if (!encoded.ok) return encoded;
    const sample = collection.events.get(name)?.sample ?? 1;
    if (!device.isSampled(entries, collection, { event: name, sample })) {
      return { ok: false, fault: "sampled_out" };
    }
    return encoder.draw(collection, encoded.event, reports);
  }
}

/** Reads the whole queue. */
export function readQueue(entries: Entries): QueueState {
  return {
    requests: readAll<RequestRecord>(entries, REQUESTS),
    events: readAll<EventRecord>(entries, EVENTS).map(({ record }) => record),
  };
}
