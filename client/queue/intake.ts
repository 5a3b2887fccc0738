/**
 * What was logged and is not in the queue yet. Where the storage has a journal it is written there before `log()`
 * returns, and comes into the queue exactly once, from this client or from whoever starts after it.
 *
 * A transaction that takes texts of a journal notes how far: what was taken is not taken again while it is still in the
 * journal. What somebody else has taken is gone from there, however long its client was frozen.
 *
 * @module
 */
import { toBase64url } from "../../core/base/bytes.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { Clock } from "../base/clock.ts";
import type { Collection } from "../base/collection.ts";
import type { CachedDocument } from "../http/document.ts";
import type { Journal, JournalItem } from "../storage/journal.ts";
import { type EventRecord, type JournalMarks, JOURNALS, read, write } from "../storage/records.ts";
import type { ClientStorage, Entries } from "../storage/storage.ts";
import { plainFields } from "./plain_fields.ts";
import { MAX_WAITING, type Queue } from "./queue.ts";

/** Bytes of a client's name in the journal. */
const OWNER_LENGTH = 9;
/** Milliseconds after which no client that starts sees a text any more that was taken and deleted. */
const MARK_MILLISECONDS = 3_600_000;

/** What an intake takes of its client. */
export interface IntakeParts {
  readonly storage: ClientStorage;
  readonly queue: Queue;
  readonly schema: Pick<CachedDocument<Collection>, "fresh">;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** An event, and its number in the journal; none where it could not be written. */
interface Logged {
  readonly event: EventRecord;
  readonly number: number | undefined;
}

/** What was logged and waits for the storage. */
export class Intake {
  readonly #parts: IntakeParts;
  #owner = "";
  #logged: Logged[] = [];
  /** How many are on their way into the queue. */
  #moving = 0;
  #number = 0;
  #lost = 0;

  /** Nothing is logged yet. */
  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  get #journal(): Journal | undefined {
    return this.#parts.storage.journal;
  }

  /** How many events wait here. */
  get size(): number {
    return this.#logged.length + this.#moving;
  }

  /** Takes an event; how many of the oldest give way: while no storage answers, the queue is no longer here than there. */
  add(event: EventRecord): number {
    const { name, at, fields } = event;
    const dropped = this.#logged.splice(0, this.#logged.length + 1 - MAX_WAITING);
    this.#journal?.remove(this.#itemsOf(dropped));
    const journal = this.#journal;
    if (journal !== undefined) this.#owner ||= toBase64url(this.#parts.random(OWNER_LENGTH));
    const number = this.#number + 1;
    const text = JSON.stringify([name, at, fields]);
    const isWritten = journal?.write({ owner: this.#owner, number, text }) === true;
    if (isWritten) this.#number = number;
    this.#logged.push({ event, number: isWritten ? number : undefined });
    return dropped.length;
  }

  /** Forgets all of it, that of other clients too. */
  clear(): void {
    this.#logged = [];
    this.#lost = 0;
    this.#journal?.clear();
  }

  /** Moves what was logged into the queue. What the journal has stays there when that fails. */
  async store(): Promise<void> {
    const { queue, schema } = this.#parts;
    const logged = this.#logged;
    this.#logged = [];
    this.#moving = logged.length;
    try {
      await queue.enqueue(schema.fresh, (entries) => this.#take(entries, logged));
    } catch (error) {
      const kept = logged.filter(({ number }) => number !== undefined);
      this.#logged = [...kept, ...this.#logged];
      this.#lost += logged.length - kept.length;
      throw error;
    } finally {
      this.#moving = 0;
    }
    this.#journal?.remove(this.#itemsOf(logged));
  }

  /** How many events a storage that failed has cost since this was asked last. */
  giveUp(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Moves into the queue what clients wrote into the journal that have ended since, and are heard no more. */
  async adopt(): Promise<void> {
    const items = this.#journal?.read().filter(({ owner }) => owner !== this.#owner) ?? [];
    const { queue, schema } = this.#parts;
    await queue.enqueue(schema.fresh, (entries) => this.#adopt(entries, items));
    this.#journal?.remove(items);
  }

  #itemsOf(logged: readonly Logged[]): Omit<JournalItem, "text">[] {
    const owner = this.#owner;
    return logged.flatMap(({ number }) => number === undefined ? [] : [{ owner, number }]);
  }

  /** Those that nobody has taken, which are taken from now on. */
  #take(entries: Entries, logged: readonly Logged[]): EventRecord[] {
    const marks = readMarks(entries);
    const owner = this.#owner;
    const taken = marks[owner]?.[0] ?? 0;
    const last = Math.max(0, ...logged.map(({ number = 0 }) => number));
    if (last > taken) write(entries, JOURNALS, { ...marks, [owner]: [last, this.#parts.clock.now()] });
    return logged.filter(({ number }) =>
      number === undefined || number > taken && this.#journal?.has({ owner, number }) !== false
    ).map(({ event }) => event);
  }

  #adopt(entries: Entries, items: readonly JournalItem[]): EventRecord[] {
    const now = this.#parts.clock.now();
    const before = readMarks(entries);
    const isNeeded = ([owner, [, at]]: [string, readonly [number, number]]) =>
      Math.abs(now - at) < MARK_MILLISECONDS || items.some((item) => item.owner === owner);
    const marks = Object.fromEntries(Object.entries(before).filter(isNeeded));
    const events = items.flatMap(({ owner, number, text }) => {
      if (number <= (before[owner]?.[0] ?? 0)) return [];
      marks[owner] = [number, now];
      return eventOf(text) ?? [];
    });
    if (JSON.stringify(marks) !== JSON.stringify(before)) write(entries, JOURNALS, marks);
    return events;
  }
}

function readMarks(entries: Entries): JournalMarks {
  return read<JournalMarks>(entries, JOURNALS) ?? {};
}

/** The event of a text; undefined where it is none, as a page of the origin may have written it. */
function eventOf(text: string): EventRecord | undefined {
  try {
    const [name, at, given] = JSON.parse(text);
    const fields = plainFields(name, given);
    return fields && Number.isFinite(at) ? { name, at, fields, encoded: false } : undefined;
  } catch {
    return undefined;
  }
}
