/**
 * The schema that a client follows: fetched, read strictly, and kept while it is fresh.
 *
 * @module
 */
import { type Collection, MAX_SCHEMA_BYTES, parseSchema } from "./collection.ts";
import { type Answer, exchange, freshFor, problemCode } from "./http.ts";
import { readRecord, SCHEMA, type SchemaRecord, writeRecord } from "./records.ts";
import type { Surroundings } from "./surroundings.ts";

const LEAST_FRESH = 60_000;
const MOST_FRESH = 86_400_000;

/** Fetches and keeps the schema of one application. */
export class SchemaCache {
  #collection: Collection | undefined;
  #record: SchemaRecord | undefined;

  /** Nothing is fetched yet. */
  constructor(private readonly surroundings: Surroundings) {}

  /** The schema that is at hand, fresh or not. */
  get current(): Collection | undefined {
    return this.#collection;
  }

  /** The schema: the one at hand while it is fresh, else a new one, else (no good answer) the one at hand. */
  async get(): Promise<Collection | undefined> {
    const { storage, clock, app } = this.surroundings;
    if (this.#record === undefined) {
      const record = await storage.transaction((entries) => readRecord<SchemaRecord>(entries, SCHEMA));
      if (record !== undefined) this.#take(record, app);
    }
    const now = clock.milliseconds();
    const record = this.#record;
    if (record === undefined || record.fetchedAt > now || now >= record.freshUntil) await this.#refresh();
    return this.#collection;
  }

  /** Asks again at the next use: an answer showed that the schema changed. */
  expire(): void {
    if (this.#record !== undefined) this.#record = { ...this.#record, freshUntil: 0 };
  }

  #take(record: SchemaRecord, app: string): boolean {
    try {
      this.#collection = parseSchema(record.text, app);
    } catch {
      return false;
    }
    this.#record = record;
    return true;
  }

  async #refresh(): Promise<void> {
    const { fetch, url, report, storage, clock, app } = this.surroundings;
    let answer: Answer;
    try {
      answer = await exchange(fetch, `${url}/schema`, { method: "GET" }, MAX_SCHEMA_BYTES);
    } catch {
      return report("refused", { step: "schema", code: "no_answer" });
    }
    if (answer.status !== 200) {
      return report("refused", { step: "schema", code: problemCode(answer) ?? `status_${answer.status}` });
    }
    const fetchedAt = clock.milliseconds();
    const record: SchemaRecord = {
      text: new TextDecoder().decode(answer.body),
      fetchedAt,
      freshUntil: fetchedAt + freshFor(answer.headers, LEAST_FRESH, MOST_FRESH),
    };
    if (!this.#take(record, app)) return report("refused", { step: "schema", code: "malformed" });
    await storage.transaction((entries) => writeRecord(entries, SCHEMA, record));
  }
}
