import { type ClientStorage, Entries } from "./storage.ts";

/**
 * Keeps a client's state in memory: gone with the process, and with it tokens and queue. A client that is given no
 * storage has one where the platform has none that lasts.
 *
 * @example
 * ```ts ignore
 * import { DitClient, MemoryStorage } from "@dit/service";
 *
 * const storage = new MemoryStorage();
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, storage });
 * ```
 */
export class MemoryStorage implements ClientStorage {
  /** It ends with the process. */
  readonly isLasting = false;
  readonly #stored = new Map<string, string>();

  /** Runs and applies `body` in one step of the event loop, so nobody comes in between. */
  transaction<T>(body: (entries: Entries) => T): Promise<T> {
    try {
      const entries = new Entries(this.#stored);
      const result = body(entries);
      applyChanges(this.#stored, entries.changes);
      return Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Does nothing: there is nothing to let go of. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Applies a transaction's changes to a map, for storages that hold the whole state in one. */
export function applyChanges(
  stored: Map<string, string>,
  changes: ReadonlyMap<string, string | undefined>,
): void {
  for (const [key, value] of changes) {
    if (value === undefined) stored.delete(key);
    else stored.set(key, value);
  }
}
