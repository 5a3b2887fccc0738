/**
 * What was swept or moved of a day, counted in the very commits that sweep or move, so that the audit can still add up.
 *
 * @module
 */
import type { Commit } from "../store/commit.ts";
import type { MaybeEntry } from "../store/port.ts";

/** The counts of one application and day. */
export interface TallyRow {
  /** Claims that were swept after their key's end. */
  readonly claimsSwept: number;
  /** Records that left their log rows for a segment. */
  readonly recordsMoved: number;
  /** Records that were deleted at the end of their retention. */
  readonly recordsRetired: number;
}

/** Nothing counted. */
export const EMPTY_TALLY: TallyRow = { claimsSwept: 0, recordsMoved: 0, recordsRetired: 0 };

/**
 * Adds counts to a tally inside a commit and gives the new row. `entry` must have been read before the rows that are
 * counted were listed: its check then serialises everyone who sweeps or moves, so that nothing is counted twice.
 */
export function addToTally(
  commit: Commit,
  entry: MaybeEntry<TallyRow>,
  counts: Partial<TallyRow>,
): TallyRow {
  const before = entry.value ?? EMPTY_TALLY;
  const after: TallyRow = {
    claimsSwept: before.claimsSwept + (counts.claimsSwept ?? 0),
    recordsMoved: before.recordsMoved + (counts.recordsMoved ?? 0),
    recordsRetired: before.recordsRetired + (counts.recordsRetired ?? 0),
  };
  commit.check(entry).set(entry.key, after);
  return after;
}
