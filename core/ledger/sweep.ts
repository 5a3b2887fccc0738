/**
 * Removes the claims of a key that has ended, a few at a time.
 *
 * @module
 */
import type { MaybeEntry } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import type { SweepPace } from "../store/sweep.ts";
import { decodeClaim } from "./claim_row.ts";
import { claimsOf, TALLIES } from "./families.ts";
import { addToTally, type TallyRow } from "./tally.ts";

/** Whose claims are swept. */
export interface ClaimsOfKey {
  /** The key's application. */
  readonly app: string;
  /** The key's ordinal. */
  readonly ordinal: number;
}

/**
 * Removes a key's claims, counted as they were stored: the reconciliation compares them with the records of their day.
 * Gives how many.
 */
export async function sweepClaims(
  store: Store,
  { app, ordinal }: ClaimsOfKey,
  { rowsPerCommit, pause }: SweepPace,
): Promise<number> {
  const page = { limit: rowsPerCommit, batchSize: rowsPerCommit };
  let swept = 0;
  // A tally is always known before the rows that are counted are listed: a sweep beside this one changes it in between
  // and makes this commit fail.
  const tallies = new Map<number, MaybeEntry<TallyRow>>();
  while (true) {
    const startedAt = performance.now();
    const rows = await Array.fromAsync(store.list<Uint8Array>(claimsOf(ordinal), page));
    if (rows.length === 0) return swept;
    const counts = new Map<number, number>();
    for (const { value } of rows) {
      const claim = decodeClaim(value);
      if (claim?.recorded) counts.set(claim.day, (counts.get(claim.day) ?? 0) + 1);
    }
    const unknown = [...counts.keys()].filter((day) => !tallies.has(day));
    for (const day of unknown) tallies.set(day, await store.get<TallyRow>(TALLIES.key(app, day)));
    if (unknown.length > 0) continue;
    const written = new Map<number, TallyRow>();
    const stamp = await store.commit((commit) => {
      for (const { key } of rows) commit.delete(key);
      for (const [day, claimsSwept] of counts) {
        const tally = tallies.get(day);
        if (tally !== undefined) written.set(day, addToTally(commit, tally, { claimsSwept }));
      }
    });
    if (stamp === undefined) tallies.clear();
    else {
      for (const [day, value] of written) tallies.set(day, { key: TALLIES.key(app, day), value, stamp });
      swept += rows.length;
    }
    await pause(performance.now() - startedAt);
  }
}
