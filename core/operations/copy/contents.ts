/**
 * What a store holds, in one digest that is the same whichever engine keeps it.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, utf8 } from "../../base/bytes.ts";
import { FENCES } from "../../ledger/families.ts";
import type { Entry, Key } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { STORE_COPIES } from "../../store/families.ts";

/** What a store holds. */
export interface Contents {
  /** Its rows, without those that a copy leaves out. */
  readonly rows: number;
  /** SHA-256 of their keys and values, in hex; stamps are not in it. */
  readonly digest: string;
}

/** Families whose rows are of the one store that they lie in. */
const LEFT_OUT = new Set<unknown>([FENCES.letter, STORE_COPIES.letter]);

/** All rows that a copy takes, in the order of their keys; with `start` from that key on. */
export async function* copiedRows(store: Store, start?: Key): AsyncGenerator<Entry<unknown>> {
  const range = start === undefined ? { prefix: [] } : { prefix: [], start };
  for await (const row of store.list<unknown>(range, { batchSize: store.limits.rowsPerPage })) {
    if (!LEFT_OUT.has(row.key[0])) yield row;
  }
}

/** Reads it all. */
export async function readContents(
  store: Store,
  onRow: (rows: number) => void = () => {},
): Promise<Contents> {
  const hash = sha256.create();
  let rows = 0;
  for await (const { key, value } of copiedRows(store)) {
    for (const bytes of encode([key, value])) hash.update(bytes);
    onRow(++rows);
  }
  return { rows, digest: toHex(hash.digest()) };
}

/** About how many bytes a row has. */
export function sizeOf({ key, value }: Entry<unknown>): number {
  let bytes = 0;
  for (const part of encode([key, value])) bytes += part.length;
  return bytes;
}

/** What engines keep, as bytes: each value with its type and its length before it, so that no two are encoded alike. */
function* encode(value: unknown): Generator<Uint8Array> {
  if (value instanceof Uint8Array) {
    yield utf8(`bytes ${value.length} `);
    yield value;
  } else if (typeof value === "string") {
    yield utf8(`text ${value.length} ${value}`);
  } else if (value instanceof Map) {
    yield utf8(`map ${value.size} `);
    for (const entry of value) yield* encode(entry);
  } else if (value instanceof Set) {
    yield utf8(`set ${value.size} `);
    for (const member of value) yield* encode(member);
  } else if (Array.isArray(value)) {
    yield utf8(`array ${value.length} `);
    for (const member of value) yield* encode(member);
  } else if (value !== null && typeof value === "object") {
    if (Object.getPrototypeOf(value) !== Object.prototype) {
      throw new TypeError("A row holds a value of which nobody knows a digest.");
    }
    const members = Object.entries(value);
    yield utf8(`object ${members.length} `);
    for (const member of members) yield* encode(member);
  } else {
    yield utf8(`${typeof value} ${Object.is(value, -0) ? "-0" : value} `);
  }
}
