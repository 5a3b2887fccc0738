/**
 * What of a range of keys lies in each table: the bounds between which its statements look.
 *
 * @module
 */
import { concat } from "../../base/bytes.ts";
import type { Key, Range } from "../port.ts";
import { type ByteRange, encodeKey } from "./key_bytes.ts";
import { CLAIMS_LETTER, END_OF_LOTS, RECORD_LETTERS } from "./lots.ts";

/** From a claim on, or up to and without it. */
export interface ClaimBound {
  readonly ordinal: number;
  readonly id: Uint8Array;
}

/** Some claims. */
export interface ClaimBounds {
  readonly from: ClaimBound;
  readonly to: ClaimBound;
}

/** The first day and the last one, both of them with it. */
export interface DayBounds {
  readonly first: number;
  readonly last: number;
}

const ORDINAL_LENGTH = 4;
const BEHIND_ALL: ClaimBound = { ordinal: END_OF_LOTS, id: new Uint8Array() };
/** How the key of each claim begins: the letter, and the tag of bytes, which an id of no bytes has as well. */
const CLAIMS_START = encodeKey([CLAIMS_LETTER, new Uint8Array()]).subarray(0, -1);
const RECORDS = RECORD_LETTERS.map((letter) => encodeKey([letter as string]));

/** The claims between two encoded keys; undefined where there can be none. */
export function claimsBetween({ start, end }: ByteRange): ClaimBounds | undefined {
  const [from, to] = [claimBound(start), claimBound(end)];
  const order = from.ordinal - to.ordinal || compareBytes(from.id, to.id);
  return order < 0 ? { from, to } : undefined;
}

/** The days of the records between two encoded keys, which are those of a range; undefined where there can be none. */
export function daysBetween({ start, end }: ByteRange, range: Range): DayBounds | undefined {
  const isNone = RECORDS.every((letter) =>
    compareBytes(end, letter) <= 0 || compareBytes(start, concat(letter, Uint8Array.of(0xff))) >= 0
  );
  if (isNone) return undefined;
  const [first, last] = endsOf(range);
  const all = { first: 0, last: END_OF_LOTS - 1 };
  // Days are in the order of keys only where these begin with one letter and one application.
  if (first === undefined || last === undefined || first[0] !== last[0] || first[1] !== last[1]) return all;
  if (first.length < 2 || last.length < 2) return all;
  return {
    first: typeof first[2] === "number" ? withinDays(Math.floor(first[2])) : all.first,
    last: typeof last[2] === "number" ? withinDays(Math.ceil(last[2])) : all.last,
  };
}

/** In the order of their bytes, a shorter one before what begins with it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const order = (a[at] ?? 0) - (b[at] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** What the keys of a range are not before, and not behind, part by part. */
function endsOf(range: Range): [first: Key | undefined, last: Key | undefined] {
  const prefix = "prefix" in range ? range.prefix : undefined;
  return ["start" in range ? range.start : prefix, "end" in range ? range.end : prefix];
}

function withinDays(day: number): number {
  return Math.min(Math.max(day, 0), END_OF_LOTS - 1);
}

/** The claim from which on all have keys that are not before these bytes. */
function claimBound(encoded: Uint8Array): ClaimBound {
  const beginsAsClaim = encoded.length > CLAIMS_START.length &&
    compareBytes(encoded.subarray(0, CLAIMS_START.length), CLAIMS_START) === 0;
  if (!beginsAsClaim) return compareBytes(encoded, CLAIMS_START) <= 0 ? boundOf([]) : BEHIND_ALL;
  return boundOf(idBound(encoded.subarray(CLAIMS_START.length)));
}

/** The id from which on all are not before these bytes, once they are encoded as a key has them (key_bytes.ts). */
function idBound(encoded: Uint8Array): number[] {
  const id: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const byte = encoded[at] ?? 0;
    id.push(byte);
    if (byte !== 0) continue;
    if (encoded[at + 1] === 0xff) at++;
    // A whole id: that one itself, or, where there is more, the first one behind it, which has a byte 0 more.
    else return at + 1 === encoded.length ? id.slice(0, -1) : id;
  }
  return id;
}

function boundOf(id: readonly number[]): ClaimBound {
  const [a = 0, b = 0, c = 0, d = 0] = id;
  const ordinal = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return ordinal >= END_OF_LOTS ? BEHIND_ALL : { ordinal, id: Uint8Array.from(id.slice(ORDINAL_LENGTH)) };
}
