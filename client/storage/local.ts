import { transactText } from "./one_text.ts";
import { type Journal, localJournal } from "./journal.ts";
import type { ClientStorage, Entries } from "./storage.ts";
import { type WebLocks, webLocks } from "./web_locks.ts";

/**
 * Keeps a client's state in one item of `localStorage`, which a browser writes all at once. It has no transactions, so
 * a lock keeps the tabs of an origin apart; where there is none, use another storage.
 *
 * @example
 * ```ts ignore
 * import { DitClient, LocalStorage } from "@dit/service";
 *
 * const storage = new LocalStorage("telemetry");
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, storage });
 * ```
 */
export class LocalStorage implements ClientStorage {
  /** In `localStorage`, under the same name: the same values, for as long as they are not in a transaction. */
  readonly journal: Journal | undefined;
  readonly #name: string;
  readonly #texts: Storage;
  readonly #locks: WebLocks;

  /**
   * `name` is the item's key and the lock's name.
   * @throws {Error} If the browser denies `localStorage`, or has no locks.
   */
  constructor(name: string) {
    const locks = webLocks();
    if (locks === undefined) throw new TypeError("Cannot use localStorage: the browser has no Web Locks");
    this.#name = name;
    this.journal = localJournal(name);
    this.#texts = localStorage;
    this.#locks = locks;
  }

  /** Reads, changes and writes the item under the lock. */
  transaction<T>(body: (entries: Entries) => T): Promise<T> {
    return this.#locks.request(this.#name, () => {
      const stored = new Map<string, string>(JSON.parse(this.#texts.getItem(this.#name) ?? "[]"));
      const { result, text } = transactText(stored, body);
      if (text !== undefined) this.#texts.setItem(this.#name, text);
      return Promise.resolve(result);
    });
  }

  /** One tab at a time. */
  exclusively(work: () => Promise<void>): Promise<void> {
    return this.#locks.request(`${this.#name}/pass`, work);
  }

  /** Does nothing: there is nothing to let go of. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
