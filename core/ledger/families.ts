/**
 * The rows of claims and records.
 *
 * @module
 */
import { u32 } from "../base/bytes.ts";
import { type Family, family } from "../store/families.ts";
import type { Range } from "../store/port.ts";

/** Claims by their packed id (see claimId in row_ids.ts): claim_row.ts. */
export const CLAIMS: Family<[id: Uint8Array]> = family("c", "claimed uses");
/** The shuffled records of one commit and hour: NDJSON bytes. The id is logRowId's. */
export const LOG_ROWS: Family<[app: string, day: number, id: Uint8Array]> = family(
  "l",
  "rows of shuffled logs",
);
/** Shuffled records of many commits: u32 count, then deflated NDJSON. */
export const SEGMENTS: Family<[app: string, day: number, id: Uint8Array]> = family(
  "g",
  "segments of shuffled logs",
);
/** What was swept or moved of a day: TallyRow. */
export const TALLIES: Family<[app: string, day: number]> = family("t", "daily tallies");
/** A row that is written for the stamp that comes back: where the reconciliation draws its line. */
export const FENCES: Family<[]> = family("f", "lines of the audit");

/** All claims of a key. */
export function claimsOf(ordinal: number): Range {
  return CLAIMS.beginning(u32(ordinal));
}

/** The log rows of a day that arrived before an hour (1..23) of it. */
export function logsBefore(app: string, day: number, hour: number): Range {
  return LOG_ROWS.range([app, day], [app, day, Uint8Array.of(hour)]);
}

/** The log rows of an application from a day on. */
export function logsFrom(app: string, day: number): Range {
  return LOG_ROWS.range([app, day], [app, Number.MAX_SAFE_INTEGER]);
}

/** The segments of an application from a day on. */
export function segmentsFrom(app: string, day: number): Range {
  return SEGMENTS.range([app, day], [app, Number.MAX_SAFE_INTEGER]);
}
