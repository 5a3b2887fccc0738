/**
 * Which partition a row lies in. Claims lie apart by the key that they were claimed under, so that the end of a key drops
 * a partition instead of removing its claims one by one; records lie apart by their day, so that what retention leaves of
 * a day goes as a whole. All other rows lie together.
 *
 * @module
 */
import type { Key, Range } from "../port.ts";

/** The letter of the family of claims; the first four bytes of their ids are the ordinal of their key (core/ledger). */
export const CLAIMS_LETTER = "c";
/** The letters of the families of records, whose keys go on with an application and a day (core/ledger). */
export const RECORD_LETTERS: readonly unknown[] = ["l", "g"];
const ORDINAL_LENGTH = 4;
/** The lot of all other rows. */
export const COMMON_LOT = 0;

/** The lot of a row. That of a key's claims is its ordinal and one; that of a day's records as much below zero. */
export function lotOf(key: Key): number {
  const [letter, second, third] = key;
  if (letter === CLAIMS_LETTER && second instanceof Uint8Array && second.length >= ORDINAL_LENGTH) {
    return ordinalOf(second) + 1;
  }
  return RECORD_LETTERS.includes(letter) && isDay(third) ? -third - 1 : COMMON_LOT;
}

/** Whether a lot has the records of a day before that of another lot. */
export function isEarlierDay(lot: number, than: number): boolean {
  return than < COMMON_LOT && lot < COMMON_LOT && lot > than;
}

/** The one lot in which all rows of a range lie; undefined where they may lie in many. */
export function lotOfRange(range: Range): number | undefined {
  if ("prefix" in range) return lotOfPrefix(range.prefix);
  const { start, end } = range;
  // Claims of one key up to those of the next one.
  if (isWholeLot(range)) return lotOf(start);
  const [first, last] = [lotOfPrefix(start), lotOfPrefix(end)];
  return start[0] === end[0] && first === last ? first : undefined;
}

/** Whether a range is all claims of one key and nothing else. */
export function isWholeLot(range: Range): boolean {
  if (!("start" in range) || "prefix" in range) return false;
  const [[letter, first, ...moreOfFirst], [other, last, ...moreOfLast]] = [range.start, range.end];
  return letter === CLAIMS_LETTER && other === CLAIMS_LETTER &&
    moreOfFirst.length === 0 && moreOfLast.length === 0 &&
    first instanceof Uint8Array && last instanceof Uint8Array &&
    first.length === ORDINAL_LENGTH && last.length === ORDINAL_LENGTH &&
    ordinalOf(last) === ordinalOf(first) + 1;
}

/** The lot of all rows whose keys begin with these parts; undefined where they may lie in many. */
function lotOfPrefix(prefix: Key): number | undefined {
  const lot = lotOf(prefix);
  const [letter] = prefix;
  const isApart = letter === undefined || letter === CLAIMS_LETTER || RECORD_LETTERS.includes(letter);
  return lot === COMMON_LOT && isApart ? undefined : lot;
}

function isDay(part: unknown): part is number {
  return Number.isInteger(part) && part as number >= 0 && part as number < 2 ** 31;
}

function ordinalOf(id: Uint8Array): number {
  return new DataView(id.buffer, id.byteOffset, ORDINAL_LENGTH).getUint32(0);
}
