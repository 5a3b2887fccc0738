/**
 * Where a client keeps its state between calls and between runs: three methods at most, so that an app can bring its own.
 *
 * @module
 */
import type { Journal } from "./journal.ts";

/**
 * The entries that one transaction sees, and the changes that it makes. Keys and values are short texts; a value has at
 * most about 128 KiB.
 */
export class Entries {
  /** What the transaction changed: a new value, or undefined for a deleted entry. An implementation writes these. */
  readonly changes: Map<string, string | undefined> = new Map();
  readonly #stored: ReadonlyMap<string, string>;

  /** Starts a transaction over what is stored now. */
  constructor(stored: ReadonlyMap<string, string>) {
    this.#stored = stored;
  }

  /** The value of `key`, if there is one. */
  get(key: string): string | undefined {
    return this.changes.has(key) ? this.changes.get(key) : this.#stored.get(key);
  }

  /** Sets an entry. */
  set(key: string, value: string): void {
    this.changes.set(key, value);
  }

  /** Deletes an entry. */
  delete(key: string): void {
    this.changes.set(key, undefined);
  }

  /** The keys that start with `prefix`, in order. */
  keys(prefix: string): string[] {
    const keys = new Set([...this.#stored.keys(), ...this.changes.keys()]);
    return [...keys].filter((key) => key.startsWith(prefix) && this.get(key) !== undefined).sort();
  }
}

/**
 * A client's storage.
 *
 * @example A storage of one's own
 * ```ts
 * import { type ClientStorage, Entries } from "@dit/service";
 *
 * export class MapStorage implements ClientStorage {
 *   readonly #stored = new Map<string, string>();
 *
 *   transaction<T>(body: (entries: Entries) => T): Promise<T> {
 *     const entries = new Entries(this.#stored);
 *     const result = body(entries);
 *     for (const [key, value] of entries.changes) {
 *       if (value === undefined) this.#stored.delete(key);
 *       else this.#stored.set(key, value);
 *     }
 *     return Promise.resolve(result);
 *   }
 *
 *   close(): Promise<void> {
 *     return Promise.resolve();
 *   }
 * }
 * ```
 */
export interface ClientStorage {
  /**
   * Runs `body` on the entries as they are stored now and writes its changes: all of them or none, and nobody else's
   * in between. `body` is synchronous and may be run again after a conflict; what it throws undoes it and rejects.
   * Resolves only when the changes will survive a crash.
   */
  transaction<T>(body: (entries: Entries) => T): Promise<T>;
  /**
   * Where what is logged is written at once, before a transaction takes it. Optional: without it what is logged as a
   * page ends is lost.
   */
  readonly journal?: Journal | undefined;
  /** `false`: what is stored ends with the process, as in memory. Optional. */
  readonly isLasting?: boolean | undefined;
  /** Lets go of the storage. What is stored stays. */
  close(): Promise<void>;
  /**
   * Runs `work` while nobody else who shares this storage (another tab) runs theirs. Optional: without it two may send
   * the same final bytes, which the service recognises.
   */
  exclusively?(work: () => Promise<void>): Promise<void>;
}
