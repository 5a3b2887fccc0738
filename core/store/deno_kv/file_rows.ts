/**
 * Rows of an SQLite file of Deno KV, read without opening it as a store. To open one is to write to it: Deno KV makes its
 * tables in whatever SQLite file it is given, so that what lies there has to be known before.
 *
 * What Deno KV makes of keys and values is read off its source (denokv's `sqlite/lib.rs` and `proto/codec.rs`).
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { deserialize } from "node:v8";
import { concat, utf8 } from "../../base/bytes.ts";
import type { Key, Rows } from "../port.ts";

/** Milliseconds to wait for a lock. */
const TIMEOUT_MS = 2_000;
/** SQLite's codes of a database that another process has locked (SQLITE_BUSY, SQLITE_LOCKED). */
const LOCKED = [5, 6];
/** Its codes of a disk that is full or fails (SQLITE_IOERR, SQLITE_FULL). */
const DISK = [10, 13];
/** The columns by which a table of rows is known for Deno KV's. */
const COLUMNS = ["k", "v", "v_encoding", "version"];
/** How Deno KV marks a value: serialised by V8, or bytes as they are. */
const ENCODED = { v8: 1, bytes: 3 };
/** How a part of a key begins that is text. */
const TEXT = 0x02;

/** An open file. */
export class FileRows implements Rows, Disposable {
  readonly #database: DatabaseSync;

  /** Opens the file as {@linkcode openWithoutTrace} does. */
  constructor(path: string) {
    this.#database = openWithoutTrace(path);
  }

  /** Whether it is Deno KV's. Throws SQLite's error if it is no database. */
  get isDenoKv(): boolean {
    return isDenoKv(this.#database);
  }

  /** Whether there is no row. */
  get isEmpty(): boolean {
    return this.#database.prepare("select 1 from kv limit 1").get() === undefined;
  }

  /** See {@linkcode Rows.get}. */
  get<T>(key: Key): Promise<{ readonly value: T | null }> {
    const row = this.#database.prepare("select v, v_encoding from kv where k = ?").get(encodeKey(key));
    return Promise.resolve({ value: row === undefined ? null : valueOf(row) as T });
  }

  /** See {@linkcode Rows.list}. */
  async *list<T>({ prefix }: { readonly prefix: Key }): AsyncGenerator<{ readonly value: T }> {
    const start = encodeKey(prefix);
    const rows = this.#database.prepare("select v, v_encoding from kv where k > ? and k < ? order by k");
    for (const row of rows.all(start, concat(start, Uint8Array.of(0xff)))) yield { value: valueOf(row) as T };
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/**
 * Opens the SQLite file at `path`, which has to be its real name, to be read: its bytes stay as they are, and nothing is
 * left beside it. Throws SQLite's error if that cannot be done.
 */
export function openWithoutTrace(path: string): DatabaseSync {
  // In WAL mode a reader that may not write leaves its two files behind, and a writer that closes as the last one moves
  // what waits in the log into the file: where nothing waits, the second leaves no trace, and else the first.
  const readOnly = isThere(`${path}-wal`) || isThere(`${path}-journal`);
  return new DatabaseSync(path, { readOnly, timeout: TIMEOUT_MS });
}

/** Whether an open database is one of Deno KV. Throws SQLite's error if it is no database. */
export function isDenoKv(database: DatabaseSync): boolean {
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  const names = new Set(tables.map(({ name }) => name));
  if (!names.has("kv") || !names.has("migration_state")) return false;
  const columns = new Set(database.prepare("pragma table_info(kv)").all().map(({ name }) => name));
  return COLUMNS.every((name) => columns.has(name));
}

/** What an error of SQLite says of the file: another process has it locked, or the disk is full or fails; else undefined. */
export function troubleOf(error: unknown): "locked" | "disk" | undefined {
  const code = ((error as { errcode?: number } | undefined)?.errcode ?? 0) & 0xff;
  return LOCKED.includes(code) ? "locked" : DISK.includes(code) ? "disk" : undefined;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function encodeKey(key: Key): Uint8Array<ArrayBuffer> {
  return concat(...key.map((part) => {
    if (typeof part !== "string" || part.includes("\0")) {
      throw new TypeError("Only keys of text are read here.");
    }
    return concat(Uint8Array.of(TEXT), utf8(part), Uint8Array.of(0));
  }));
}

function valueOf({ v, v_encoding: encoding }: Record<string, unknown>): unknown {
  if (!(v instanceof Uint8Array)) throw new TypeError("A value is no bytes.");
  if (encoding === ENCODED.bytes) return v;
  if (encoding === ENCODED.v8) return deserialize(v);
  throw new TypeError(`Nobody knows the encoding ${encoding} of a value.`);
}
