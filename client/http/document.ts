/**
 * A public document of the service that a client keeps while it is fresh.
 *
 * @module
 */
import { DecodeError } from "../../core/base/bytes.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { Belief, Clock } from "../base/clock.ts";
import type { DocumentFault } from "../base/codes.ts";
import { freshFor, MOST_WAIT, retryAfter } from "../base/headers.ts";
import type { Report, Step } from "../base/types.ts";
import type { Commit } from "../storage/commit.ts";
import { CLOCK, type DocumentRecord, read, type Retry, WAIT, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { isDue, NO_RETRY, retryLater } from "./backoff.ts";
import { type Answer, exchange, type Network } from "./network.ts";

/** Most bytes of a document. */
export const MAX_DOCUMENT_BYTES = 524_288;
/** Most characters of one that is stored: a longer one is kept in memory alone (storage.ts). */
const MAX_STORED = 131_072;
/** Most milliseconds for which one stays fresh that came with a time that was refused, or is doubtful by itself. */
const DOUBTFUL_FRESH = 600_000;

/** A document that was read and may not be used. */
export class FaultError extends DecodeError {
  /** With the code that says why. */
  constructor(readonly fault: DocumentFault) {
    super(fault);
  }
}

/** How one kind of document is read and admitted. */
export interface DocumentKind<T> {
  /** Which step it is for the app's ears. */
  readonly step: Step;
  /** Where it is stored. */
  readonly key: string;
  /** Where it is. */
  readonly url: () => string | Promise<string>;
  /** Whose one is: what was fetched as another's is not used. */
  owner?(document: T, entries: Entries): string;
  /** Reads it; throws when it is malformed, or a {@linkcode FaultError}. */
  parse(text: string): T;
  /** Whether the one at hand is not used either while a new one is refused so. */
  isHeldBy?(fault: DocumentFault): boolean;
  /** Checks one that was just fetched: why it is refused, if so. */
  check?(document: T, answer: Answer): Promise<DocumentFault | undefined>;
  /** Whether a part of it is not used, so that it is asked for again soon. */
  isDoubtful?(document: T): boolean;
  /** Checks it again in the transaction that would store it. */
  admit?(document: T, entries: Entries, report: Report): DocumentFault | undefined;
}

/** What fetching and keeping a document takes of its client. */
export interface DocumentParts {
  readonly network: Network;
  readonly commit: Commit;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Whether the app asks for it now: the client's own backoff is passed over, never what the service asked for. */
  readonly isForced?: () => boolean;
}

/** One document, fetched and kept. */
export class CachedDocument<T> {
  readonly #parts: DocumentParts;
  readonly #kind: DocumentKind<T>;
  #current: T | undefined;
  #record: DocumentRecord | undefined;
  /** Who would use the one at hand now. */
  #owner: string | undefined;
  /** When it is asked for again: that outlasts the client, since many that start one after the other are no less many. */
  #wait = NO_RETRY;

  /** Nothing is fetched yet. */
  constructor(parts: DocumentParts, kind: DocumentKind<T>) {
    this.#parts = parts;
    this.#kind = kind;
  }

  /** The document that is at hand, fresh or not; undefined until one was loaded or fetched. */
  get current(): T | undefined {
    return this.#current;
  }

  /** The one at hand while it is fresh, and its owner's: no other decides what is dropped. */
  readonly fresh = (entries: Entries): T | undefined => {
    this.#see(entries);
    return isFresh(this.#record, this.#parts.clock.now()) ? this.#own : undefined;
  };

  /** The one at hand, unless it was fetched as another's. */
  get #own(): T | undefined {
    return this.#record?.owner === this.#owner ? this.#current : undefined;
  }

  /** The one at hand, fresh or not: nothing is fetched. */
  async load(): Promise<T | undefined> {
    const { clock, commit } = this.#parts;
    await commit((entries) => {
      // What the storage lacks stays as it is at hand, the clock like the documents: an opt-out deletes what is stored,
      // and a schema without the clock that came with it would have events at wrong times.
      clock.load(read<Belief>(entries, CLOCK));
      const stored = read<DocumentRecord>(entries, this.#kind.key);
      if (stored !== undefined) this.#take(stored);
      this.#wait = read<Retry>(entries, WAIT + this.#kind.key) ?? NO_RETRY;
      this.#see(entries);
    });
    return this.#current;
  }

  /**
   * The one at hand while it is fresh, else a new one, else (none is admitted) the one at hand, unless that is held or
   * another's.
   */
  async get(renew = false): Promise<T | undefined> {
    const { clock, network } = this.#parts;
    await this.load();
    if (renew || this.#own === undefined || !isFresh(this.#record, clock.now())) {
      const fault = await this.#refresh(renew);
      if (fault !== undefined) {
        network.report("refused", { step: this.#kind.step, code: fault });
        if (this.#kind.isHeldBy?.(fault)) return undefined;
      }
    }
    return this.#own;
  }

  /** Has it fetched again at its next use: an answer showed that it changed. */
  async expire(): Promise<void> {
    await this.#parts.commit((entries) => entries.delete(this.#kind.key));
    this.#record = this.#record && { ...this.#record, freshUntil: 0 };
  }

  /** Sees who would use the one at hand. */
  #see(entries: Entries): void {
    this.#owner = this.#current && this.#kind.owner?.(this.#current, entries);
  }

  /** Takes over what is stored, unless it does not parse. */
  #take(record: DocumentRecord): void {
    try {
      if (record.text !== this.#record?.text) this.#current = this.#kind.parse(record.text);
      this.#record = record;
    } catch {
      // An older version of the client may have stored it: it counts as not there.
    }
  }

  /** Fetches it; why the new one is refused, if so (an answer that is none was reported already). */
  async #refresh(renew: boolean): Promise<DocumentFault | undefined> {
    const { clock, isForced, network } = this.#parts;
    const kind = this.#kind;
    if (!isDue(this.#wait, clock.now(), renew || (isForced?.() ?? true))) return undefined;
    const answer = await exchange(network, {
      step: kind.step,
      url: await kind.url(),
      maxBytes: MAX_DOCUMENT_BYTES,
    });
    const fault = answer.status === 200 ? await this.#admit(answer) : undefined;
    await this.#settle(answer, answer.status !== 200 || fault !== undefined);
    return fault;
  }

  /** Remembers when it is asked for again, where it could not be had. */
  async #settle({ status, headers }: Answer, isFailed: boolean): Promise<void> {
    const { clock, commit, random } = this.#parts;
    const asked = status === 200 ? undefined : retryAfter(headers);
    const before = this.#wait;
    this.#wait = isFailed ? retryLater(before, clock.now(), random, asked) : NO_RETRY;
    if (!isFailed && before.failures === 0) return;
    await commit((entries) => {
      const key = WAIT + this.#kind.key;
      if (isFailed) write(entries, key, this.#wait);
      else entries.delete(key);
    });
  }

  /** Takes over what was fetched, unless it is refused: why, if so. */
  async #admit(answer: Answer): Promise<DocumentFault | undefined> {
    const { clock, commit } = this.#parts;
    const kind = this.#kind;
    let text: string;
    let document: T;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(answer.body);
      document = kind.parse(text);
    } catch (error) {
      return error instanceof FaultError ? error.fault : "malformed";
    }
    const fault = await kind.check?.(document, answer);
    if (fault !== undefined) return fault;
    const taken = await commit((entries, report) => {
      clock.load(read<Belief>(entries, CLOCK));
      // Whether it is admitted may depend on the time, which its answer is the first to tell.
      const isRefused = clock.hear(answer.headers, kind.step === "schema");
      // Told in any case: a clock that is days off has every directory refused, too.
      if (isRefused) report("refused", { step: kind.step, code: "clock_refused" });
      const late = kind.admit?.(document, entries, report);
      if (late !== undefined) return late;
      write(entries, CLOCK, clock.belief);
      const fetchedAt = clock.now();
      const isDoubtful = isRefused || kind.isDoubtful?.(document);
      const fresh = Math.min(freshFor(answer.headers), isDoubtful ? DOUBTFUL_FRESH : MOST_WAIT);
      const record: DocumentRecord = {
        text,
        fetchedAt,
        freshUntil: fetchedAt + fresh,
        owner: kind.owner?.(document, entries),
      };
      if (JSON.stringify(record).length > MAX_STORED) entries.delete(kind.key);
      else write(entries, kind.key, record);
      return record;
    });
    if (typeof taken === "string") return taken;
    this.#current = document;
    this.#record = taken;
    this.#owner = taken.owner;
    return undefined;
  }
}

/** Whether a document needs no new one yet. None is fresh for longer than an hour, whatever a client of before stored. */
function isFresh(record: DocumentRecord | undefined, now: number): boolean {
  return record !== undefined && now >= record.fetchedAt && now < record.freshUntil &&
    now < record.fetchedAt + MOST_WAIT;
}
