/// <reference lib="dom" />
import { type ClientStorage, Entries } from "./storage.ts";
import { webLocks } from "./web_locks.ts";

const STORE = "entries";

/** Keeps a client's state in a browser's IndexedDB: it survives reloads, and all tabs of an origin share it. */
export class IndexedDbStorage implements ClientStorage {
  readonly #database: Promise<IDBDatabase>;
  readonly #name: string;

  /** Opens the database `name`. Whether the browser lets us shows at the first transaction. */
  constructor(name: string, factory: IDBFactory = indexedDB) {
    this.#name = name;
    this.#database = new Promise((resolve, reject) => {
      const request = factory.open(name);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    // Nobody may be listening yet.
    this.#database.catch(() => {});
  }

  /** One read-write transaction of the database, which browsers run one after the other for all tabs. */
  async transaction<T>(body: (entries: Entries) => T): Promise<T> {
    const transaction = (await this.#database).transaction(STORE, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(STORE);
    const keys = store.getAllKeys();
    const values = store.getAll();
    return await new Promise((resolve, reject) => {
      let result: T;
      let failure: unknown;
      values.onsuccess = () => {
        try {
          const entries = new Entries(
            new Map(keys.result.map((key, at) => [key as string, values.result[at]])),
          );
          result = body(entries);
          for (const [key, value] of entries.changes) {
            if (value === undefined) store.delete(key);
            else store.put(value, key);
          }
        } catch (error) {
          failure = error;
          transaction.abort();
        }
      };
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = () => reject(failure ?? transaction.error);
    });
  }

  /** One tab at a time, where the browser has locks; transactions keep several tabs apart in any case. */
  exclusively(work: () => Promise<void>): Promise<void> {
    return webLocks()?.request(`${this.#name}/pass`, work) ?? work();
  }

  /** Closes the database. */
  async close(): Promise<void> {
    (await this.#database).close();
  }
}
