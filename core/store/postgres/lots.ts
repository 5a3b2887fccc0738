/**
 * Which partition a row lies in. Claims lie apart by the key that they were claimed under, so that the end of a key drops
 * a partition instead of removing its claims one by one; all other rows lie together.
 *
 * @module
 */
import type { Key, Range } from "../port.ts";

/** The letter of the family of claims; the first four bytes of their ids are the ordinal of their key (core/ledger). */
export const CLAIMS_LETTER = "c";
const ORDINAL_LENGTH = 4;
/** The lot of all other rows. */
export const COMMON_LOT = 0;

/** The lot of a row. That of a key's claims is its ordinal and one. */
export function lotOf(key: Key): number {
  const [letter, id] = key;
  return letter === CLAIMS_LETTER && id instanceof Uint8Array && id.length >= ORDINAL_LENGTH
    ? ordinalOf(id) + 1
    : COMMON_LOT;
}

/** The one lot in which all rows of a range lie; undefined where they may lie in many. */
export function lotOfRange(range: Range): number | undefined {
  const bounds = "start" in range && "end" in range ? [range.start, range.end] : undefined;
  if (bounds === undefined) {
    const { prefix } = range as { readonly prefix: Key };
    return prefix.length === 0 || prefix[0] === CLAIMS_LETTER ? undefined : COMMON_LOT;
  }
  const [start = [], end = []] = bounds;
  if (start[0] === undefined || start[0] !== end[0]) return undefined;
  if (start[0] !== CLAIMS_LETTER) return COMMON_LOT;
  const [, first] = start;
  const [, last] = end;
  const isOne = first instanceof Uint8Array && last instanceof Uint8Array &&
    first.length >= ORDINAL_LENGTH && last.length >= ORDINAL_LENGTH &&
    (ordinalOf(first) === ordinalOf(last) || isWholeLot(range));
  return isOne ? ordinalOf(first) + 1 : undefined;
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

function ordinalOf(id: Uint8Array): number {
  return new DataView(id.buffer, id.byteOffset, ORDINAL_LENGTH).getUint32(0);
}
