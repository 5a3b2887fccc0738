import { type ClientStorage, Entries } from "./storage.ts";
import { applyChanges } from "./memory.ts";
import type { WebLocks } from "./web_locks.ts";

/** The part of `localStorage` that is used. */
export type TextStorage = Pick<Storage, "getItem" | "setItem">;

/**
 * Keeps a client's state in one item of `localStorage`, which a browser writes all at once. It has no transactions, so
 * a lock keeps the tabs of an origin apart; where there is none, use another storage.
 */
export class LocalStorage implements ClientStorage {
  /** `name` is the item's key and the lock's name. */
  constructor(
    private readonly name: string,
    private readonly texts: TextStorage,
    private readonly locks: WebLocks,
  ) {}

  /** Reads, changes and writes the item under the lock. */
  transaction<T>(body: (entries: Entries) => T): Promise<T> {
    return this.locks.request(this.name, () => {
      const stored = new Map<string, string>(JSON.parse(this.texts.getItem(this.name) ?? "[]"));
      const entries = new Entries(stored);
      const result = body(entries);
      if (entries.changes.size > 0) {
        applyChanges(stored, entries.changes);
        this.texts.setItem(this.name, JSON.stringify([...stored]));
      }
      return Promise.resolve(result);
    });
  }

  /** One tab at a time. */
  exclusively(work: () => Promise<void>): Promise<void> {
    return this.locks.request(`${this.name}/pass`, work);
  }

  /** Does nothing: there is nothing to let go of. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
