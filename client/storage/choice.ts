/**
 * Where a client keeps its state that was told no storage of its own.
 *
 * @module
 */
import { browserStorage } from "./browser.ts";
import { type Journal, localJournal } from "./journal.ts";
import { MemoryStorage } from "./memory.ts";
import type { ClientStorage, Entries } from "./storage.ts";

/** A storage, the folder of a file in Node, Deno and Bun, or memory that ends with the process. */
export type StorageChoice = ClientStorage | { readonly folder: string } | "memory";

/**
 * The storage of the client of `app`. Without a choice it is what lasts where the platform has that: a browser's, else
 * memory. What is looked for is looked for with the first transaction: nothing is touched before.
 */
export function storageOf(choice: StorageChoice | undefined, app: string): ClientStorage {
  if (choice === "memory") return new MemoryStorage();
  if (choice !== undefined && "folder" in choice) {
    const { folder } = choice;
    return new FoundStorage(async () => (await import("./file.ts")).storageIn(folder, `dit-${app}.json`));
  }
  if (choice !== undefined) return choice;
  const { document, indexedDB } = globalThis as { document?: unknown; indexedDB?: unknown };
  if (document === undefined && indexedDB === undefined) return new MemoryStorage();
  const name = `dit-${app}`;
  return new FoundStorage(() => browserStorage(name), () => localJournal(name));
}

/** A storage that is looked for when it is first used. */
class FoundStorage implements ClientStorage {
  readonly #find: () => Promise<ClientStorage>;
  readonly #journalOf: (() => Journal | undefined) | undefined;
  #finding: Promise<ClientStorage> | undefined;
  #found: ClientStorage | undefined;
  #journal: Journal | undefined;
  #hasLooked = false;

  constructor(find: () => Promise<ClientStorage>, journalOf?: () => Journal | undefined) {
    this.#find = find;
    this.#journalOf = journalOf;
  }

  get isLasting(): boolean | undefined {
    return this.#found?.isLasting;
  }

  /** There before the storage is, since a page may end before that. Beside memory none is needed, nor told from others'. */
  get journal(): Journal | undefined {
    if (this.isLasting === false) return undefined;
    if (!this.#hasLooked) this.#journal = this.#journalOf?.();
    this.#hasLooked = true;
    return this.#journal;
  }

  async transaction<T>(body: (entries: Entries) => T): Promise<T> {
    return await (await this.#storage()).transaction(body);
  }

  async exclusively(work: () => Promise<void>): Promise<void> {
    const storage = await this.#storage();
    return await (storage.exclusively === undefined ? work() : storage.exclusively(work));
  }

  async close(): Promise<void> {
    await (await this.#finding)?.close();
  }

  #storage(): Promise<ClientStorage> {
    const finding = this.#finding ??= this.#find().then((found) => this.#found = found);
    // A disk that was full, say, is tried again.
    finding.catch(() => this.#finding = undefined);
    return finding;
  }
}
