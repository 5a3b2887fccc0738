/**
 * The format of a store: what its rows mean. A program refuses a store whose format is newer than the one that it knows,
 * since it would read rows wrongly, or leave out of account what they say. A row that an older program does without, and
 * that does without an older program, needs no new format; docs/upgrading.md has the table.
 *
 * @module
 */
import { StoreOpenError } from "../store/open_error.ts";
import type { Rows } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import { STORE_FORMATS } from "./families.ts";

/** What a store says of its format. One that says nothing is older than the first format. */
export interface StoreFormat {
  /** 1 and up. */
  readonly number: number;
  /** The first version of this program that knows the format. */
  readonly since: string;
}

/** The format that this program writes; it reads all before it. */
export const STORE_FORMAT: StoreFormat = { number: 1, since: "0.2.0" };

/** What a store says of its format; null where it says nothing. Reads one row, and writes nothing. */
export async function readFormat(rows: Rows): Promise<StoreFormat | null> {
  return (await rows.get<StoreFormat>(STORE_FORMATS.key())).value;
}

/**
 * Refuses the format of a store that is newer than this program's.
 * @throws {StoreOpenError} Then, or when it is none that this program understands.
 */
export function requireKnownFormat(value: StoreFormat | null, version: string, own = STORE_FORMAT): void {
  if (value === null || (Number.isInteger(value.number) && value.number <= own.number)) return;
  const needed = /^[0-9.]{1,20}$/.test(value.since) ? `version ${value.since} or later` : "a later version";
  throw new StoreOpenError(
    `The store was written by a newer program: start ${needed} on it (this is ${version}), or restore a backup ` +
      "from before the upgrade (docs/upgrading.md).",
  );
}

/**
 * Writes this program's format into a store that has none or an older one. A process does so once it has the store's
 * sealing keys and before it writes anything else. Idempotent; a newer format stays.
 * @throws {StoreUnavailable} If the store does not take it.
 */
export async function writeFormat(store: Store, own = STORE_FORMAT): Promise<void> {
  await store.update<StoreFormat, void>(STORE_FORMATS.key(), (entry, commit) => {
    if (entry.value === null || entry.value.number < own.number) commit.set(entry.key, own);
  });
}
