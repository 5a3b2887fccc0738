import { type ClientStorage, Entries } from "./storage.ts";
import { webLocks } from "./web_locks.ts";

/** The part of a browser's `indexedDB` that is used. */
export interface IndexedDb {
  /** Opens a database. */
  open(name: string): IndexedDbRequest<IndexedDbDatabase> & { onupgradeneeded: (() => void) | null };
}

/** A request of IndexedDB. */
export interface IndexedDbRequest<T> {
  /** What came of it. */
  readonly result: T;
  /** Why nothing came of it. */
  readonly error: unknown;
  /** Called when it is done. */
  onsuccess: (() => void) | null;
  /** Called when it failed. */
  onerror: (() => void) | null;
}

/** A database of IndexedDB. */
export interface IndexedDbDatabase {
  /** Makes an object store. */
  createObjectStore(name: string): unknown;
  /** Starts a transaction. */
  transaction(store: string, mode: "readwrite", options: { durability: "strict" }): IndexedDbTransaction;
  /** Closes the database. */
  close(): void;
  /** Called when the browser has closed it. */
  onclose: (() => void) | null;
  /** Called when somebody wants to delete it, and waits for this connection to end. */
  onversionchange: (() => void) | null;
}

/** A transaction of IndexedDB. */
export interface IndexedDbTransaction {
  /** Why it was undone. */
  readonly error: unknown;
  /** Called when it is stored. */
  oncomplete: (() => void) | null;
  /** Called when it is undone. */
  onabort: (() => void) | null;
  /** Undoes it. */
  abort(): void;
  /** The store in it. */
  objectStore(name: string): {
    getAllKeys(): IndexedDbRequest<unknown[]>;
    getAll(): IndexedDbRequest<unknown[]>;
    put(value: string, key: string): unknown;
    delete(key: string): unknown;
  };
}

const STORE = "entries";

/** Keeps a client's state in a browser's IndexedDB: it survives reloads, and all tabs of an origin share it. */
export class IndexedDbStorage implements ClientStorage {
  #database: Promise<IndexedDbDatabase> | undefined;
  readonly #name: string;
  readonly #factory: IndexedDb;

  /** `name` is the database's. It is opened by the first transaction. */
  constructor(
    name: string,
    factory: IndexedDb = (globalThis as unknown as { indexedDB: IndexedDb }).indexedDB,
  ) {
    this.#name = name;
    this.#factory = factory;
  }

  /** The database, opened anew after the user cleared the site's storage or somebody deleted it. */
  #open(): Promise<IndexedDbDatabase> {
    const forget = () => this.#database = undefined;
    const opened = this.#database ??= new Promise((resolve, reject) => {
      const request = this.#factory.open(this.#name);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => {
        const database = request.result;
        database.onclose = forget;
        database.onversionchange = () => {
          forget();
          database.close();
        };
        resolve(database);
      };
      request.onerror = () => reject(request.error);
    });
    opened.catch(forget);
    return opened;
  }

  /** One read-write transaction of the database, which browsers run one after the other for all tabs. */
  async transaction<T>(body: (entries: Entries) => T): Promise<T> {
    const transaction = (await this.#open()).transaction(STORE, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(STORE);
    const keys = store.getAllKeys();
    const values = store.getAll();
    return await new Promise((resolve, reject) => {
      let result: T;
      let failure: unknown;
      values.onsuccess = () => {
        try {
          const stored = keys.result.map((key, at) => [key, values.result[at]] as [string, string]);
          const entries = new Entries(new Map(stored));
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
    (await this.#database)?.close();
  }
}
