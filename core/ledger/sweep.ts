/**
 * Removes the rows of keys that have ended, a few at a time. There is no `expireIn` anywhere: rows that expire together
 * are deleted in one statement that blocks every commit for seconds.
 *
 * @module
 */
import type { EndedKey } from "../keys/key_row.ts";
import { decodeClaim } from "./claim_row.ts";
import { keySpace, type Store } from "../store/kv.ts";
import { addToTally, type TallyRow } from "./tally.ts";

/** How a sweep is paced. */
export interface SweepPace {
  /** Rows deleted in one commit, at most 500. */
  readonly rowsPerCommit: number;
  /** Waits between two commits. */
  readonly pause: () => Promise<void>;
}

/** 250 rows, then a moment for the commits of requests. */
export const DEFAULT_PACE: SweepPace = {
  rowsPerCommit: 250,
  pause: () => new Promise((resolve) => setTimeout(resolve, 10)),
};

/** What a sweep removed. */
export interface SweepCount {
  /** Quota rows. */
  quotas: number;
  /** Claims. */
  claims: number;
  /** Keys of which nothing is left. */
  keys: number;
}

/** Sweeps after every key that has ended: its quota rows at once, its claims when they are due. Idempotent. */
export async function sweepEndedKeys(
  store: Store,
  nowSeconds: number,
  pace = DEFAULT_PACE,
): Promise<SweepCount> {
  const count: SweepCount = { quotas: 0, claims: 0, keys: 0 };
  for await (const entry of store.list<EndedKey>(keySpace.allEndedKeys())) {
    const ordinal = entry.key[1] as number;
    count.quotas += await sweepRows(store, keySpace.quotasOf(ordinal), pace);
    if (nowSeconds < entry.value.claimsAfter) continue;
    count.claims += await sweepClaims(store, entry.value.app, ordinal, pace);
    const done = await store.commit((operation) => operation.check(entry).delete(entry.key));
    if (done !== undefined) count.keys++;
  }
  return count;
}

async function sweepRows(store: Store, selector: Deno.KvListSelector, pace: SweepPace): Promise<number> {
  let swept = 0;
  while (true) {
    const rows = await Array.fromAsync(store.list(selector, { limit: pace.rowsPerCommit }));
    if (rows.length === 0) return swept;
    await store.commit((operation) => {
      for (const { key } of rows) operation.delete(key);
    });
    swept += rows.length;
    await pace.pause();
  }
}

/** Claims counted as they were stored: the audit compares them with the records of their day. */
async function sweepClaims(store: Store, app: string, ordinal: number, pace: SweepPace): Promise<number> {
  const selector = keySpace.claimsOf(ordinal);
  const page = { limit: pace.rowsPerCommit, batchSize: pace.rowsPerCommit };
  let swept = 0;
  // A tally is always known before the rows that are counted are listed: a sweep beside this one changes it in between
  // and makes this commit fail.
  const tallies = new Map<number, Deno.KvEntryMaybe<TallyRow>>();
  while (true) {
    const rows = await Array.fromAsync(store.list<Uint8Array>(selector, page));
    if (rows.length === 0) return swept;
    const counts = new Map<number, number>();
    for (const { value } of rows) {
      const claim = decodeClaim(value);
      if (claim?.recorded) counts.set(claim.day, (counts.get(claim.day) ?? 0) + 1);
    }
    const unknown = [...counts.keys()].filter((day) => !tallies.has(day));
    for (const day of unknown) tallies.set(day, await store.get<TallyRow>(keySpace.tally(app, day)));
    if (unknown.length > 0) continue;
    const written = new Map<number, TallyRow>();
    const versionstamp = await store.commit((operation) => {
      for (const { key } of rows) operation.delete(key);
      for (const [day, claimsSwept] of counts) {
        written.set(day, addToTally(operation, tallies.get(day)!, { claimsSwept }));
      }
    });
    if (versionstamp === undefined) tallies.clear();
    else {
      for (const [day, value] of written) {
        tallies.set(day, { key: keySpace.tally(app, day), value, versionstamp });
      }
      swept += rows.length;
    }
    await pace.pause();
  }
}
