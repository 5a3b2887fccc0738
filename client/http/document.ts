/**
 * A public document of the service that a client keeps while it is fresh.
 *
 * @module
 */
import { commit, type Context } from "../base/context.ts";
import { type Answer, exchange, freshFor } from "./http.ts";
import { CLOCK, type DocumentRecord, read, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { Report, Step } from "../base/types.ts";

/** Most bytes of a document. */
const MAX_DOCUMENT_BYTES = 524_288;

/** Says in the transaction that would store a new document why not, if so. */
export type Admit = (entries: Entries, report: Report) => string | undefined;

/** How one kind of document is read and admitted. */
export interface DocumentKind<T> {
  /** Which step it is for the app's ears. */
  readonly step: Step;
  /** Where it is stored. */
  readonly key: string;
  /** Its path below the application's. */
  readonly path: string;
  /** Reads it; throws when it is malformed. */
  readonly parse: (text: string) => T;
  /** Checks one that was just fetched: why it is refused, or what is left to check in the transaction. */
  readonly check: (document: T, answer: Answer) => Promise<Admit | string>;
}

/** One document, fetched and kept. */
export class CachedDocument<T> {
  /** The document that is at hand, fresh or not. */
  current: T | undefined;
  #record: DocumentRecord | undefined;

  /** Nothing is fetched yet. */
  constructor(private readonly context: Context, private readonly kind: DocumentKind<T>) {}

  /** The one at hand, fresh or not: nothing is fetched. */
  async load(): Promise<T | undefined> {
    const { context, kind } = this;
    const stored = await commit(context, (entries) => {
      context.clock.offset = read<number>(entries, CLOCK) ?? 0;
      return read<DocumentRecord>(entries, kind.key);
    });
    if (stored !== undefined) this.#take(stored);
    return this.current;
  }

  /** The one at hand while it is fresh, else a new one, else (none is admitted) the one at hand. */
  async get(renew = false): Promise<T | undefined> {
    const { context, kind } = this;
    await this.load();
    const now = context.clock.now();
    const record = this.#record;
    if (renew || record === undefined || now < record.fetchedAt || now >= record.freshUntil) {
      const refused = await this.#refresh();
      if (refused !== undefined) context.report("refused", { step: kind.step, code: refused });
    }
    return this.current;
  }

  /** Has it fetched again at its next use: an answer showed that it changed. */
  async expire(): Promise<void> {
    await commit(this.context, (entries) => entries.delete(this.kind.key));
    this.#record = undefined;
  }

  #take(record: DocumentRecord): boolean {
    if (record.text !== this.#record?.text) {
      try {
        this.current = this.kind.parse(record.text);
      } catch {
        return false;
      }
    }
    this.#record = record;
    return true;
  }

  /** Fetches it; why the new one was refused, if so (an answer that is none was reported already). */
  async #refresh(): Promise<string | undefined> {
    const { context, kind } = this;
    const url = context.url + kind.path;
    const answer = await exchange(context, kind.step, url, { method: "GET" }, MAX_DOCUMENT_BYTES);
    if (answer.status !== 200) return undefined;
    let text: string;
    let document: T;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(answer.body);
      document = kind.parse(text);
    } catch {
      return "malformed";
    }
    const checked = await kind.check(document, answer);
    if (typeof checked === "string") return checked;
    const fetchedAt = context.clock.now();
    const record = { text, fetchedAt, freshUntil: fetchedAt + freshFor(answer.headers) };
    const refused = await commit(context, (entries, report) => {
      const reason = checked(entries, report);
      if (reason === undefined) {
        context.clock.correct(answer.headers);
        write<number>(entries, CLOCK, context.clock.offset);
        write<DocumentRecord>(entries, kind.key, record);
      }
      return reason;
    });
    if (refused === undefined) {
      this.current = document;
      this.#record = record;
    }
    return refused;
  }
}
