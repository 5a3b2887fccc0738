/**
 * The queue: logged events wait, are bound together to one use of a token as a final request, and leave when its
 * outcome is known (docs/protocol.md, section 6, "The client's rule").
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { floorTo, MAX_AGE_SECONDS } from "../../core/base/time.ts";
import { computeMac, digestBody, encodeTranscript } from "../../core/token/mac.ts";
import { NO_RETRY } from "../http/backoff.ts";
import { type Body, buildBody, eventLength, MAX_EVENTS_BYTES } from "./body.ts";
import type { Collection } from "../base/collection.ts";
import { commit, type Context } from "../base/context.ts";
import { encodeEvent } from "./encoding.ts";
import { currentPseudonym, isSampled } from "../tokens/identity.ts";
import {
  append,
  type EncodedEvent,
  type EventRecord,
  EVENTS,
  readAll,
  type RequestRecord,
  REQUESTS,
  write,
} from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { takeUse, type TokenUse } from "../tokens/wallet.ts";

/** Most events that wait; the oldest give way. */
const MAX_WAITING = 500;
/** Most characters of all entries that wait. */
const MAX_WAITING_LENGTH = 524_288;

/** A request in the queue. */
export interface QueuedRequest {
  readonly key: string;
  readonly record: RequestRecord;
}

/**
 * Stores logged events, as they go out when it is known already what is collected. The oldest are dropped when there
 * are too many.
 */
export async function enqueue(
  context: Context,
  collection: Collection | undefined,
  events: readonly EventRecord[],
): Promise<void> {
  await commit(context, (entries, report) => {
    for (const event of events) {
      const stored = collection === undefined ? event : encodeEvent(context, entries, collection, event);
      if (typeof stored === "string") report("dropped", { events: 1, reason: stored });
      else append(entries, EVENTS, stored);
    }
    const keys = entries.keys(EVENTS);
    let length = keys.reduce((sum, key) => sum + entries.get(key)!.length, 0);
    let count = keys.length;
    for (const key of keys) {
      if (count <= MAX_WAITING && length <= MAX_WAITING_LENGTH) break;
      length -= entries.get(key)!.length;
      count--;
      entries.delete(key);
      report("dropped", { events: 1, reason: "queue_full" });
    }
  });
}

/** What is in the queue. */
export interface QueueState {
  /** The bound requests, oldest first. */
  readonly requests: readonly QueuedRequest[];
  /** The events that wait, oldest first. */
  readonly events: readonly EventRecord[];
}

/** Reads the whole queue. */
export function readQueue(entries: Entries): QueueState {
  return {
    requests: readAll<RequestRecord>(entries, REQUESTS),
    events: readAll<EventRecord>(entries, EVENTS).map(({ record }) => record),
  };
}

/** Events that were read together, to become one body. */
interface Batch {
  /** The entries that it replaces, with their texts: they must be unchanged when it is bound. */
  readonly sources: readonly (readonly [key: string, text: string | undefined])[];
  readonly events: readonly EncodedEvent[];
  readonly pseudonym: string;
}

/**
 * Binds the oldest events, at most `maxEvents`, to the next use of a token: their entries become one final request,
 * and the use is gone, in one transaction. The caller sends it first.
 */
export async function bind(
  context: Context,
  collection: Collection,
  maxEvents: number,
): Promise<QueuedRequest | "empty" | "no_token" | "changed"> {
  const batch = await nextBatch(context, collection, maxEvents);
  const { sources, events, pseudonym } = batch;
  if (events.length === 0) return "empty";
  // Compression is asynchronous, a transaction is not: so what was read is compared again.
  const body = await buildBody(events, pseudonym, context.random, context.gzip);
  return await commit(context, (entries, report) => {
    const isChanged = sources.some(([key, text]) => entries.get(key) !== text) ||
      currentPseudonym(context, entries, collection) !== pseudonym;
    if (isChanged) return "changed";
    const tokenUse = body && takeUse(entries, pseudonym, context.clock.seconds());
    if (body !== undefined && tokenUse === undefined) return "no_token";
    for (const [key] of sources) entries.delete(key);
    if (body === undefined) {
      report("dropped", { events: events.length, reason: "body_too_large" });
      return "changed";
    }
    const record = sign(context, body, batch, tokenUse!, 0);
    return { key: append(entries, REQUESTS, record), record };
  });
}

/**
 * Moves a request that was surely not taken to another use: the same body under a new MAC. When no token of its
 * pseudonym is left, its events wait again instead, for a body of their own.
 */
export function rebind(
  context: Context,
  entries: Entries,
  request: QueuedRequest,
  collection: Collection,
): QueuedRequest | undefined {
  const { record, key } = request;
  const { pseudonym, contentEncoding } = record;
  const tokenUse = currentPseudonym(context, entries, collection) === pseudonym
    ? takeUse(entries, pseudonym, context.clock.seconds())
    : undefined;
  if (tokenUse === undefined) {
    requeue(entries, request);
    return undefined;
  }
  const body = { bytes: fromBase64url(record.body), contentEncoding };
  const moved = sign(context, body, record, tokenUse, record.moves + 1);
  write(entries, key, moved);
  return { key, record: moved };
}

/** Takes a request apart: its events wait again. Only for one that was surely not taken. */
export function requeue(entries: Entries, { key, record }: QueuedRequest): void {
  entries.delete(key);
  for (const event of record.events) append(entries, EVENTS, event);
}

/** Reads the oldest events that fit one body, and drops those that do not go out. */
async function nextBatch(context: Context, collection: Collection, maxEvents: number): Promise<Batch> {
  return await commit(context, (entries, report) => {
    const sources: (readonly [string, string | undefined])[] = [];
    const events: EncodedEvent[] = [];
    let length = 0;
    for (const { key, record } of readAll<EventRecord>(entries, EVENTS)) {
      const encoded = prepare(context, entries, collection, record);
      if (typeof encoded === "string") {
        entries.delete(key);
        report("dropped", { events: 1, reason: encoded });
        continue;
      }
      length += eventLength(encoded);
      if (events.length > 0 && (length > MAX_EVENTS_BYTES || events.length >= maxEvents)) break;
      sources.push([key, entries.get(key)]);
      events.push(encoded);
    }
    return { sources, events, pseudonym: currentPseudonym(context, entries, collection) };
  });
}

/** An event as it goes out, or why it does not. */
function prepare(
  context: Context,
  entries: Entries,
  collection: Collection,
  event: EventRecord,
): EncodedEvent | string {
  const encoded = encodeEvent(context, entries, collection, event);
  if (typeof encoded === "string") return encoded;
  // The service would give an older event another time.
  const earliest = floorTo(context.clock.seconds() - MAX_AGE_SECONDS, collection.granularitySeconds);
  if (encoded.at < earliest) return "too_old";
  const { sample } = collection.events.get(event.name)!;
  return isSampled(context, entries, event.name, sample) ? encoded : "sampled_out";
}

function sign(
  { app }: Context,
  { bytes, contentEncoding }: Body,
  { events, pseudonym }: Pick<RequestRecord, "events" | "pseudonym">,
  { token, use }: TokenUse,
  moves: number,
): RequestRecord {
  const { keyId, nonce, redeemUntil } = token;
  const transcript = encodeTranscript({
    app,
    contentEncoding,
    keyId: fromBase64url(keyId),
    nonce: fromBase64url(nonce),
    use,
    bodyDigest: digestBody(bytes),
  });
  return {
    keyId,
    nonce,
    use,
    mac: toBase64url(computeMac(fromBase64url(token.macKey), transcript)),
    contentEncoding,
    body: toBase64url(bytes),
    pseudonym,
    events,
    redeemUntil,
    inFlight: true,
    uncertain: false,
    moves,
    ...NO_RETRY,
  };
}
