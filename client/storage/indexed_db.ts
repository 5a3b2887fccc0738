import { type Journal, localJournal } from "./journal.ts";
import { type ClientStorage, Entries } from "./storage.ts";
import { webLocks } from "./web_locks.ts";

/** The parts of the Indexed Database API that are used: Deno, Node and Bun have no types for it. */
interface Factory {
  open(name: string): OpenRequest<Database> & { onupgradeneeded: (() => void) | null };
}

interface OpenRequest<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}

interface Database {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: "readwrite", options: { durability: "strict" }): Transaction;
  close(): void;
  /** Called when the browser has closed it. */
  onclose: (() => void) | null;
  /** Called when somebody wants to delete it, and waits for this connection to end. */
  onversionchange: (() => void) | null;
}

interface Transaction {
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
  abort(): void;
  objectStore(name: string): {
    getAllKeys(): OpenRequest<string[]>;
    getAll(): OpenRequest<string[]>;
    put(value: string, key: string): unknown;
    delete(key: string): unknown;
  };
}

const STORE = "entries";

/**
 * Keeps a client's state in a browser's IndexedDB: it survives reloads, and all tabs of an origin share it.
 *
 * @example
 * ```ts ignore
 * import { DitClient, IndexedDbStorage } from "@dit/service";
 *
 * const storage = new IndexedDbStorage("telemetry");
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, storage });
 * ```
 */
export class IndexedDbStorage implements ClientStorage {
  /** In `localStorage`, under the same name: the same values, for as long as they are not in a transaction. */
  readonly journal: Journal | undefined;
  readonly #name: string;
  readonly #factory: Factory | undefined;
  #database: Promise<Database> | undefined;

  /** `name` is the database's. It is opened by the first transaction. */
  constructor(name: string) {
    this.#name = name;
    this.journal = localJournal(name);
    this.#factory = (globalThis as { indexedDB?: Factory }).indexedDB;
  }

  /** The database, opened anew after the user cleared the site's storage or somebody deleted it. */
  #open(): Promise<Database> {
    const factory = this.#factory;
    // Not one that was opened anew since.
    const forget = () => {
      if (this.#database === opened) this.#database = undefined;
    };
    const opened: Promise<Database> = this.#database ??= new Promise((resolve, reject) => {
      if (factory === undefined) throw new TypeError("Cannot open the database: there is no IndexedDB");
      const request = factory.open(this.#name);
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
          const stored = new Map(values.result.map((value, at) => [String(keys.result[at]), value]));
          const entries = new Entries(stored);
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

  /** Closes the database. Whoever uses the storage after that, another client of a page say, opens it anew. */
  async close(): Promise<void> {
    const opened = this.#database;
    this.#database = undefined;
    (await opened)?.close();
  }
}
