/**
 * A client's state in React Native's AsyncStorage, or in anything with its three methods. An entry point of its own.
 *
 * @module
 */
import { storedIn, transactText } from "./one_text.ts";
import type { ClientStorage, Entries } from "./storage.ts";

/** The part of `@react-native-async-storage/async-storage` that is used. */
export interface AsyncTexts {
  /** The text of a key; null when there is none. */
  getItem(key: string): Promise<string | null>;
  /** Keeps a text. */
  setItem(key: string, value: string): Promise<void>;
}

/**
 * Keeps a client's state in one item. An app is one process there, so transactions of one `AsyncStorageAdapter` after
 * the other are enough: make one, and share it.
 *
 * @example
 * ```ts ignore
 * import AsyncStorage from "@react-native-async-storage/async-storage";
 * import { DitClient } from "@dit/service";
 * import { AsyncStorageAdapter } from "@dit/service/storage_async";
 *
 * const storage = new AsyncStorageAdapter(AsyncStorage, "telemetry");
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, storage });
 * ```
 */
export class AsyncStorageAdapter implements ClientStorage {
  readonly #texts: AsyncTexts;
  readonly #name: string;
  #last: Promise<unknown> = Promise.resolve();

  /** `name` is the item's key. */
  constructor(texts: AsyncTexts, name: string) {
    this.#texts = texts;
    this.#name = name;
  }

  /** Reads, changes and writes the item; resolves when it is written. */
  transaction<T>(body: (entries: Entries) => T): Promise<T> {
    const result = this.#last.then(() => this.#transact(body));
    this.#last = result.catch(() => {});
    return result;
  }

  /** Waits for the last transaction. */
  async close(): Promise<void> {
    await this.#last;
  }

  async #transact<T>(body: (entries: Entries) => T): Promise<T> {
    const { result, text } = transactText(storedIn(await this.#texts.getItem(this.#name)), body);
    if (text !== undefined) await this.#texts.setItem(this.#name, text);
    return result;
  }
}
