/**
 * A storage with a journal that several clients share, as tabs do, and that dies with its client where a test says.
 *
 * @module
 */
import { LocalJournal } from "../../../client/storage/journal.ts";
import { type ClientStorage, Entries, MemoryStorage } from "../../../client/mod.ts";

/** Where a page dies: before its transaction is there, after it, or not at all. */
export type Death = "before" | "after" | undefined;

/** What tabs share. */
export interface SharedPlace {
  /** What `localStorage` has, by key. */
  readonly texts: Record<string, string>;
  /** What the database has. */
  readonly dump: () => Promise<[string, string | undefined][]>;
  /** Another tab's storage; from `death.at` on, nothing of it comes back. */
  readonly open: (death?: { at: Death }) => ClientStorage;
}

/** A `localStorage` of its own. */
function textStorage(): Record<string, string> {
  return Object.create({
    getItem(this: Record<string, string>, key: string) {
      return this[key] ?? null;
    },
    setItem(this: Record<string, string>, key: string, text: string) {
      this[key] = text;
    },
    removeItem(this: Record<string, string>, key: string) {
      delete this[key];
    },
  });
}

/** A place of an origin. */
export function sharedPlace(): SharedPlace {
  const texts = textStorage();
  const stored = new MemoryStorage();
  return {
    texts,
    dump: () => stored.transaction((entries) => entries.keys("").map((key) => [key, entries.get(key)])),
    open(death = { at: undefined }) {
      const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
      Object.defineProperty(globalThis, "localStorage", { configurable: true, value: texts });
      const journal = new LocalJournal("tabs");
      if (before) Object.defineProperty(globalThis, "localStorage", before);
      return {
        journal,
        async transaction<T>(body: (entries: Entries) => T): Promise<T> {
          if (death.at === "before") return await new Promise<never>(() => {});
          const result = await stored.transaction(body);
          return death.at === "after" ? await new Promise<never>(() => {}) : result;
        },
        close: () => Promise.resolve(),
      };
    },
  };
}
