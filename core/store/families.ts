/**
 * Families of keys. Each room declares its own and spells their keys through them; the store knows its own mark alone.
 *
 * @module
 */
import type { Key, KeyPart, Range } from "./port.ts";

/** A family: its letter is the first part of each of its keys, `Parts` are the others. */
export interface Family<Parts extends readonly KeyPart[] = readonly KeyPart[]> {
  /** One letter, since short keys are faster; two where few rows are. */
  readonly letter: string;
  /** What its rows are, for people, in the plural. */
  readonly name: string;
  /** A row's key. */
  key(...parts: Parts): Key;
  /** All its rows. */
  all(): { readonly prefix: Key };
  /** The rows whose keys begin with these parts and have more. */
  prefix(...parts: Partial<Parts>): { readonly prefix: Key };
  /** The rows from one key on, up to and without another; both may lack their last parts. */
  range(from: Partial<Parts>, to: Partial<Parts>): Range;
  /** The rows whose first part are bytes that begin with these. */
  beginning(bytes: Uint8Array): Range;
}

/**
 * A family of keys.
 *
 * @example
 * ```ts
 * const TALLIES = family<[app: string, day: number]>("t", "daily tallies");
 * await store.get(TALLIES.key("notes", 20_000));
 * ```
 */
export function family<Parts extends readonly KeyPart[]>(letter: string, name: string): Family<Parts> {
  // Parts are given from the first on, so that none before another is absent.
  const begin = (parts: Partial<Parts>): Key => [letter, ...parts as readonly KeyPart[]];
  return {
    letter,
    name,
    key: (...parts) => [letter, ...parts],
    all: () => ({ prefix: [letter] }),
    prefix: (...parts) => ({ prefix: begin(parts) }),
    range: (from, to) => ({ start: begin(from), end: begin(to) }),
    beginning: (bytes) => ({ start: [letter, bytes], end: [letter, following(bytes)] }),
  };
}

/** What a store says of its being copied: CopyMark (core/operations/copy). */
export const STORE_COPIES: Family<[]> = family("sc", "marks of a copy of the store");

/** The first bytes of this length that are greater, or where there are none bytes that are greater than all with them. */
function following(bytes: Uint8Array): Uint8Array {
  const last = bytes.findLastIndex((byte) => byte < 0xff);
  if (last === -1) return new Uint8Array(bytes.length + 1).fill(0xff);
  return bytes.map((byte, at) => at < last ? byte : at === last ? byte + 1 : 0);
}

/** What a list of families needs of each. */
export type FamilyName = Pick<Family, "letter" | "name">;

/**
 * What families are called, by their letters.
 * @throws {Error} If two have one letter, or one name.
 */
export function familyNames(families: readonly FamilyName[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { letter, name } of families) {
    const other = names.get(letter);
    if (other !== undefined) {
      throw new Error(`The letter "${letter}" is taken by two families of keys: "${other}" and "${name}".`);
    }
    if (names.values().some((taken) => taken === name)) {
      throw new Error(`Two families of keys are called "${name}".`);
    }
    names.set(letter, name);
  }
  return names;
}
