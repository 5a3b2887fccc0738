/**
 * The queue: logged events wait, are bound together to one use of a token as a final request, and leave when its
 * outcome is known (docs/protocol.md, section 6, "The client's rule").
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../core/bytes.ts";
import { computeMac, digestBody, encodeTranscript } from "../core/token/mac.ts";
import { NO_RETRY } from "./backoff.ts";
import { type Body, buildBody, eventLength, MAX_EVENTS, MAX_EVENTS_BYTES } from "./body.ts";
import { type Collection, encodeEvent } from "./collection.ts";
import { currentPseudonym, deviceSecret, isSampled } from "./identity.ts";
import {
  type EncodedEvent,
  type EventRecord,
  EVENTS,
  nextKey,
  readRecord,
  readRecords,
  type RequestRecord,
  REQUESTS,
  writeRecord,
} from "./records.ts";
import type { Entries } from "./storage.ts";
import type { Surroundings } from "./surroundings.ts";
import { takeUse, type TokenUse } from "./wallet.ts";

/** A request in the queue. */
export interface QueuedRequest {
  readonly key: string;
  readonly record: RequestRecord;
}

/** What came of an attempt to bind. */
export type BindOutcome = QueuedRequest | "empty" | "no_token" | "changed";

/** Events that were read together, to become one body. */
interface Batch {
  /** The entries that it replaces, with their texts: they must be unchanged when it is bound. */
  readonly sources: readonly { key: string; text: string }[];
  readonly events: readonly EncodedEvent[];
  readonly pseudonym: string;
}

/** The queue of one client. */
export class Queue {
  /** Keeps everything in the surroundings' storage. */
  constructor(private readonly surroundings: Surroundings) {}

  /** Stores logged events. */
  async enqueue(events: readonly EventRecord[]): Promise<void> {
    await this.surroundings.storage.transaction((entries) => {
      for (const event of events) writeRecord(entries, nextKey(entries, EVENTS), event);
    });
  }

  /** The bound requests, oldest first. */
  async requests(): Promise<QueuedRequest[]> {
    return await this.surroundings.storage.transaction((entries) =>
      readRecords<RequestRecord>(entries, REQUESTS)
    );
  }

  /** How many events wait, bound or not. */
  async size(): Promise<number> {
    return await this.surroundings.storage.transaction((entries) =>
      readRecords<RequestRecord>(entries, REQUESTS).reduce(
        (sum, { record }) => sum + record.events.length,
        0,
      ) +
      entries.keys(EVENTS).length
    );
  }

  /**
   * Binds the oldest events, at most `maxEvents`, to the next use of a token: their entries become one final request,
   * and the use is gone, in one transaction. The caller sends it first.
   */
  async bind(collection: Collection, maxEvents: number): Promise<BindOutcome> {
    const { storage, random, gzip } = this.surroundings;
    const batch = await this.#nextBatch(collection, maxEvents);
    if (batch.events.length === 0) return "empty";
    const body = await buildBody(batch.events, batch.pseudonym, random, gzip);
    if (body === undefined) return await this.#discard(batch);
    return await storage.transaction((entries) => {
      if (batch.sources.some(({ key, text }) => entries.get(key) !== text)) return "changed";
      if (this.#pseudonym(entries, collection) !== batch.pseudonym) return "changed";
      const tokenUse = takeUse(entries, batch.pseudonym, this.surroundings.clock.seconds());
      if (tokenUse === undefined) return "no_token";
      for (const { key } of batch.sources) entries.delete(key);
      const key = nextKey(entries, REQUESTS);
      const record = this.#sign(body, batch, tokenUse, 0);
      writeRecord(entries, key, record);
      return { key, record };
    });
  }

  /**
   * Moves a request that was surely not taken to another use: the same body under a new MAC, in one transaction. When
   * no token of its pseudonym is left, its events wait again instead, for a body of their own.
   */
  rebind(entries: Entries, request: QueuedRequest, collection: Collection): QueuedRequest | undefined {
    const { record, key } = request;
    const { clock } = this.surroundings;
    const samePseudonym = this.#pseudonym(entries, collection) === record.pseudonym;
    const tokenUse = samePseudonym ? takeUse(entries, record.pseudonym, clock.seconds()) : undefined;
    if (tokenUse === undefined) {
      this.requeue(entries, request);
      return undefined;
    }
    const body: Body = { bytes: fromBase64url(record.body), contentEncoding: record.contentEncoding };
    const moved = this.#sign(body, record, tokenUse, record.moves + 1);
    writeRecord(entries, key, moved);
    return { key, record: moved };
  }

  /** Takes a request apart: its events wait again. Only for one that was surely not taken. */
  requeue(entries: Entries, { key, record }: QueuedRequest): void {
    entries.delete(key);
    for (const event of record.events) writeRecord(entries, nextKey(entries, EVENTS), event);
  }

  async #discard(batch: Batch): Promise<"changed"> {
    const { storage, report } = this.surroundings;
    await storage.transaction((entries) => {
      for (const { key } of batch.sources) entries.delete(key);
    });
    report("dropped", { events: batch.events.length, reason: "body_too_large" });
    return "changed";
  }

  #pseudonym(entries: Entries, collection: Collection): string {
    const { app, random, clock } = this.surroundings;
    return currentPseudonym(deviceSecret(entries, random), app, collection.pseudonymSeconds, clock.seconds());
  }

  /** Reads the oldest events that fit one body, and drops those that do not go out. */
  async #nextBatch(collection: Collection, maxEvents: number): Promise<Batch> {
    const { storage, random, report } = this.surroundings;
    const dropped: string[] = [];
    const batch = await storage.transaction((entries): Batch => {
      dropped.length = 0;
      const secret = deviceSecret(entries, random);
      const sources: { key: string; text: string }[] = [];
      const events: EncodedEvent[] = [];
      let length = 0;
      for (const key of entries.keys(EVENTS)) {
        if (events.length >= Math.min(maxEvents, MAX_EVENTS)) break;
        const event = readRecord<EventRecord>(entries, key);
        if (event === undefined) continue;
        const encoded = encodeSampled(collection, event, secret);
        if (typeof encoded === "string") {
          entries.delete(key);
          dropped.push(encoded);
          continue;
        }
        length += eventLength(encoded);
        if (length > MAX_EVENTS_BYTES && events.length > 0) break;
        sources.push({ key, text: entries.get(key)! });
        events.push(encoded);
      }
      return { sources, events, pseudonym: this.#pseudonym(entries, collection) };
    });
    for (const reason of dropped) report("dropped", { events: 1, reason });
    return batch;
  }

  #sign(
    body: Body,
    batch: Pick<RequestRecord, "events" | "pseudonym">,
    { token, use }: TokenUse,
    moves: number,
  ): RequestRecord {
    const mac = computeMac(
      fromBase64url(token.macKey),
      encodeTranscript({
        app: this.surroundings.app,
        contentEncoding: body.contentEncoding,
        keyId: fromBase64url(token.keyId),
        nonce: fromBase64url(token.nonce),
        use,
        bodyDigest: digestBody(body.bytes),
      }),
    );
    return {
      keyId: token.keyId,
      nonce: token.nonce,
      use,
      mac: toBase64url(mac),
      contentEncoding: body.contentEncoding,
      body: toBase64url(body.bytes),
      pseudonym: batch.pseudonym,
      events: batch.events,
      redeemUntil: token.redeemUntil,
      inFlight: true,
      uncertain: false,
      moves,
      ...NO_RETRY,
    };
  }
}

/** An event as it goes out, or why it does not. */
function encodeSampled(
  collection: Collection,
  event: EventRecord,
  secret: Uint8Array,
): EncodedEvent | string {
  const encoded = encodeEvent(collection, event);
  if (typeof encoded === "string") return encoded;
  return isSampled(secret, event.name, collection.events.get(event.name)!.sample) ? encoded : "sampled_out";
}
