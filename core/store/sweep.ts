/**
 * Removes the rows of keys that have ended, a few at a time. There is no `expireIn` anywhere: rows that expire together
 * are deleted in one statement that blocks every commit for seconds.
 *
 * @module
 */
import type { DoomedKey } from "../keys/key_row.ts";
import { keySpace, type Store } from "./kv.ts";
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
export async function sweepDoomedKeys(
  store: Store,
  nowSeconds: number,
  pace = DEFAULT_PACE,
): Promise<SweepCount> {
  const count: SweepCount = { quotas: 0, claims: 0, keys: 0 };
  for await (const entry of store.list<DoomedKey>(keySpace.allDoomed())) {
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

/** The day of a claim's value: mac tag (16) | u32 day. */
export function dayOfClaim(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(16);
}

async function sweepClaims(store: Store, app: string, ordinal: number, pace: SweepPace): Promise<number> {
  let swept = 0;
  while (true) {
    // The days are looked up first, then their tallies are read, then the rows are listed again: a sweep that runs
    // beside this one changes a tally in between and makes this commit fail.
    const days = new Set<number>();
    const selector = keySpace.claimsOf(ordinal);
    for await (const { value } of store.list<Uint8Array>(selector, { limit: pace.rowsPerCommit })) {
      days.add(dayOfClaim(value));
    }
    if (days.size === 0) return swept;
    const tallies = new Map<number, Deno.KvEntryMaybe<TallyRow>>();
    for (const day of days) tallies.set(day, await store.get<TallyRow>(keySpace.tally(app, day)));
    const rows: Deno.KvKey[] = [];
    const counts = new Map<number, number>();
    for await (const { key, value } of store.list<Uint8Array>(selector, { limit: pace.rowsPerCommit })) {
      const day = dayOfClaim(value);
      if (!tallies.has(day)) continue;
      rows.push(key);
      counts.set(day, (counts.get(day) ?? 0) + 1);
    }
    const done = await store.commit((operation) => {
      for (const key of rows) operation.delete(key);
      for (const [day, claimsSwept] of counts) addToTally(operation, tallies.get(day)!, { claimsSwept });
    });
    if (done !== undefined) swept += rows.length;
    await pace.pause();
  }
}
