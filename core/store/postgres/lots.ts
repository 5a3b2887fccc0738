/**
 * Which table and partition a row lies in, and what it is called there. Claims lie in `dit.claims`, a partition for the
 * key that they were claimed under, so that the end of a key drops one instead of removing its claims one by one; records
 * lie in `dit.records`, a partition a day, so that what retention leaves of a day goes as a whole. All other rows lie
 * together in `dit.rows`.
 *
 * A lot is a partition as one number, which is what statements are given beside a row's key: 0 for all other rows, a
 * key's ordinal and one for claims, as much below zero as a day and one for records.
 *
 * @module
 */
import { concat, u32 } from "../../base/bytes.ts";
import type { Key, Range } from "../port.ts";
import { encodeKey } from "./key_bytes.ts";

/** The letter of the family of claims; the first four bytes of their ids are the ordinal of their key (core/ledger). */
export const CLAIMS_LETTER = "c";
/** The letters of the families of records, whose keys go on with an application and a day (core/ledger). */
export const RECORD_LETTERS: readonly unknown[] = ["l", "g"];
const ORDINAL_LENGTH = 4;
/** The lot of all other rows. */
export const COMMON_LOT = 0;
/** The first ordinal, and the first day, that has no partition: a column `int` with room for one more. */
export const END_OF_LOTS = 2 ** 31 - 1;

/** Where a row lies. */
export interface Place {
  readonly lot: number;
  /** What it is called there: a claim by its id behind the ordinal, all others by their encoded keys. */
  readonly key: Uint8Array;
}

/** The place of a row. */
export function placeOf(key: Key): Place {
  const [letter, second, third] = key;
  if (letter === CLAIMS_LETTER && key.length === 2 && second instanceof Uint8Array) {
    const place = placeOfClaim(second);
    if (place !== undefined) return place;
  }
  const isRecord = RECORD_LETTERS.includes(letter) && isDay(third);
  return { lot: isRecord ? lotOfDay(third) : COMMON_LOT, key: encodeKey(key) };
}

/** The key of a claim. */
export function keyOfClaim(ordinal: number, id: Uint8Array): Key {
  return [CLAIMS_LETTER, concat(u32(ordinal), id)];
}

/** The ordinal whose claims are a range, all of them and nothing else; undefined where it is another range. */
export function ordinalOfRange(range: Range): number | undefined {
  if (!("start" in range) || "prefix" in range) return undefined;
  const [[letter, first, ...moreOfFirst], [other, last, ...moreOfLast]] = [range.start, range.end];
  if (letter !== CLAIMS_LETTER || other !== CLAIMS_LETTER) return undefined;
  if (moreOfFirst.length > 0 || moreOfLast.length > 0) return undefined;
  if (!(first instanceof Uint8Array) || first.length !== ORDINAL_LENGTH) return undefined;
  if (!(last instanceof Uint8Array) || last.length !== ORDINAL_LENGTH) return undefined;
  const ordinal = ordinalOf(first);
  return ordinalOf(last) === ordinal + 1 && ordinal < END_OF_LOTS ? ordinal : undefined;
}

/** The lot of the claims under a key. */
export function lotOfOrdinal(ordinal: number): number {
  return ordinal + 1;
}

/** The lot of the records of a day. */
export function lotOfDay(day: number): number {
  return -day - 1;
}

/** The day whose records are a lot. */
export function dayOfLot(lot: number): number {
  return -lot - 1;
}

/** Whether a part of a key is a day whose records have a partition. */
export function isDay(part: unknown): part is number {
  return Number.isInteger(part) && part as number >= 0 && part as number < END_OF_LOTS;
}

function placeOfClaim(id: Uint8Array): Place | undefined {
  if (id.length < ORDINAL_LENGTH) return undefined;
  const ordinal = ordinalOf(id);
  if (ordinal >= END_OF_LOTS) return undefined;
  return { lot: lotOfOrdinal(ordinal), key: id.subarray(ORDINAL_LENGTH) };
}

function ordinalOf(id: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = id;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
