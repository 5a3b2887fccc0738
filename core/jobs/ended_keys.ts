/**
 * Removes the rows of keys that have ended, a few at a time.
 *
 * @module
 */
import { quotasOf } from "../acs/families.ts";
import { ENDED_KEYS } from "../keys/families.ts";
import type { EndedKey } from "../keys/key_row.ts";
import { claimsOf } from "../ledger/families.ts";
import { sweepClaims } from "../ledger/sweep.ts";
import type { Store } from "../store/store.ts";
import { DEFAULT_PACE } from "../store/sweep.ts";

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
  for await (const entry of store.list<EndedKey>(ENDED_KEYS.all())) {
    const ordinal = entry.key[1] as number;
    count.quotas += await store.sweep(quotasOf(ordinal), pace);
    if (nowSeconds < entry.value.claimsAfter) continue;
    count.claims += await sweepClaims(store, { app: entry.value.app, ordinal }, pace);
    // They went one by one, since the tally counts them in the same commits. Where the engine kept them apart, their
    // place goes now.
    await store.sweep(claimsOf(ordinal), pace);
    const done = await store.commit((commit) => commit.check(entry).delete(entry.key));
    if (done !== undefined) count.keys++;
  }
  return count;
}
