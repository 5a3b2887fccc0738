/**
 * What the core needs of a store's engine: rows under ordered keys, pages of them, and commits that go through as a whole
 * or not at all. Nothing here names an engine; each has a folder of its own beside this file and passes
 * tests/conformance/store_engine.ts.
 *
 * @module
 */

/** A part of a key. Parts sort by type first: bytes, strings, bigints, numbers, booleans; then by value. */
export type KeyPart = Uint8Array | string | number | bigint | boolean;

/** A key: its parts, compared one after the other. */
export type Key = readonly KeyPart[];

/**
 * Some keys in a row. `prefix` alone: the keys that begin with its parts and have more. `start` is the first key that may
 * be in it, `end` the first that is not.
 */
export type Range =
  | { readonly prefix: Key }
  | { readonly prefix: Key; readonly start: Key }
  | { readonly prefix: Key; readonly end: Key }
  | { readonly start: Key; readonly end: Key };

/** A row that is there. */
export interface Entry<T> {
  /** Its key. */
  readonly key: Key;
  /** Its value. */
  readonly value: T;
  /**
   * Of the commit that wrote it: rows of one commit share it, and that of a later commit is greater as a string. Twenty
   * hexadecimal digits.
   */
  readonly stamp: string;
}

/** A row, or that there is none under the key. */
export type MaybeEntry<T> = Entry<T> | { readonly key: Key; readonly value: null; readonly stamp: null };

/** Rows to read: those of an open store, or of one that is only looked at. */
export interface Rows {
  /** The value of one row; null where it is not there. */
  get<T>(key: Key): Promise<{ readonly value: T | null }>;
  /** The values of the rows whose keys begin with these parts and have more, in the order of their keys. */
  list<T>(range: { readonly prefix: Key }): AsyncIterable<{ readonly value: T }>;
}

/** What must hold for a commit to go through: that a row was last written by this commit, or (null) is not there. */
export interface Check {
  /** The row's key. */
  readonly key: Key;
  /** Its stamp when it was read, null when it was not there. */
  readonly stamp: string | null;
}

/** What a commit does to a row. Of two to one key the later holds; to delete what is not there is no mistake. */
export type Write =
  | { readonly type: "set"; readonly key: Key; readonly value: unknown }
  | { readonly type: "delete"; readonly key: Key };

/** What became of a commit that was answered: one that throws, or is not answered, may have gone through. */
export type Committed = { readonly ok: true; readonly stamp: string } | { readonly ok: false };

/** Which rows of a range are read. */
export interface PageOptions {
  /** Most rows; at most {@linkcode Limits.rowsPerPage}. */
  readonly limit: number;
  /** Where the page before ended; empty or absent: from the start. */
  readonly cursor?: string | undefined;
  /** Whether from the end. */
  readonly reverse?: boolean | undefined;
}

/** Some rows of a range in order, as they were at one moment. */
export interface Page<T> {
  /** The rows; fewer than asked for only at the end of the range. */
  readonly entries: Entry<T>[];
  /** What the next page is asked for with. */
  readonly cursor: string;
}

/** What an engine takes at most. More throws, and nothing is written. */
export interface Limits {
  /** Checks of a commit. */
  readonly checksPerCommit: number;
  /** Writes of a commit. */
  readonly writesPerCommit: number;
  /** Keys of one `getMany`. */
  readonly keysPerRead: number;
  /** Rows of a page. */
  readonly rowsPerPage: number;
  /** Bytes of a key as the engine encodes it. */
  readonly bytesPerKey: number;
  /** Bytes of a value as the engine encodes it. */
  readonly bytesPerValue: number;
  /** Bytes of a commit's keys and values. */
  readonly bytesPerCommit: number;
}

/** What not every engine has. */
export interface Capabilities {
  /** Whether other processes may use the store at the same time. */
  readonly shared: boolean;
}

/** An open store. No call has a deadline of its own: {@linkcode Store} gives each one. */
export interface Engine {
  /** What it takes at most. */
  readonly limits: Limits;
  /** What it can do. */
  readonly capabilities: Capabilities;
  /** One row. */
  get<T>(key: Key): Promise<MaybeEntry<T>>;
  /** Rows in the order of their keys, as they were at one moment. */
  getMany<T>(keys: readonly Key[]): Promise<MaybeEntry<T>[]>;
  /** A page of a range. */
  list<T>(range: Range, options: PageOptions): Promise<Page<T>>;
  /** Does all writes if all checks hold, else nothing. */
  commit(checks: readonly Check[], writes: readonly Write[]): Promise<Committed>;
  /**
   * Removes all rows of a range at once, where the engine keeps them apart; undefined: it does not, and nothing happened.
   * @returns How many they were.
   */
  clear?(range: Range): Promise<number | undefined>;
  /**
   * Writes rows of another store with the stamps that they have there, in the place of what is under their keys, where the
   * engine's stamps are its own to give; later commits have greater ones. Absent where it cannot.
   */
  load?(entries: readonly Entry<unknown>[]): Promise<void>;
  /** Lets the store go; what is under way may fail. */
  close(): void;
}
