/**
 * What was logged and is not in the storage yet, written at once: a page may end before any transaction does.
 *
 * @module
 */

/** A text of the journal, and who wrote it as their how manieth. */
export interface JournalItem {
  /** Who wrote it. */
  readonly owner: string;
  /** As their how manieth. */
  readonly number: number;
  /** What was written. */
  readonly text: string;
}

/** A journal that several clients write, each under a name of its own. */
export interface Journal {
  /** Writes a text before it returns; whether it could. */
  write(item: JournalItem): boolean;
  /** Whether it is still there. */
  has(item: Omit<JournalItem, "text">): boolean;
  /** All that is there, by owner in the order of their numbers. */
  read(): JournalItem[];
  /** Deletes what is meant. */
  remove(items: readonly Omit<JournalItem, "text">[]): void;
  /** Deletes all of it. */
  clear(): void;
}

/** Most characters of a journal that a client adds to. */
const MAX_LENGTH = 131_072;

/** A journal in a browser's `localStorage`, an item each text: tabs that write at once are not in each other's way. */
export class LocalJournal implements Journal {
  readonly #prefix: string;
  readonly #texts: Storage;
  /** Characters that are left to this client. */
  #room: number;

  /** Of the apps of one origin, `name` tells this one's. Throws where the browser denies `localStorage`. */
  constructor(name: string) {
    this.#prefix = `${name}/journal/`;
    this.#texts = localStorage;
    this.#room = MAX_LENGTH - this.read().reduce((sum, { text }) => sum + text.length, 0);
  }

  /** Writes unless the journal has grown too long, or the browser's storage is full. */
  write(item: JournalItem): boolean {
    if (item.text.length > this.#room) return false;
    try {
      this.#texts.setItem(this.#keyOf(item), item.text);
    } catch {
      return false;
    }
    this.#room -= item.text.length;
    return true;
  }

  /** Looks. */
  has(item: Omit<JournalItem, "text">): boolean {
    return this.#texts.getItem(this.#keyOf(item)) !== null;
  }

  /** Reads it; what is none of its items is deleted. */
  read(): JournalItem[] {
    const keys = Object.keys(this.#texts).filter((key) => key.startsWith(this.#prefix));
    return keys.flatMap((key) => {
      const [, owner, number] = /^([\w-]+)\/(\d+)$/.exec(key.slice(this.#prefix.length)) ?? [];
      const text = this.#texts.getItem(key);
      if (owner !== undefined && text !== null) return [{ owner, number: Number(number), text }];
      this.#texts.removeItem(key);
      return [];
    }).sort((a, b) => a.number - b.number);
  }

  /** Deletes items. */
  remove(items: readonly Omit<JournalItem, "text">[]): void {
    for (const item of items) {
      const key = this.#keyOf(item);
      this.#room += this.#texts.getItem(key)?.length ?? 0;
      this.#texts.removeItem(key);
    }
  }

  /** Deletes the items of every client. */
  clear(): void {
    this.remove(this.read());
  }

  #keyOf({ owner, number }: Omit<JournalItem, "text">): string {
    return `${this.#prefix}${owner}/${number}`;
  }
}

/** The journal beside a storage of that name; undefined where the platform has none, or denies it. */
export function localJournal(name: string): Journal | undefined {
  try {
    return new LocalJournal(name);
  } catch {
    return undefined;
  }
}
