/**
 * Sessions of the console that were ended before their time: a session is a signed cookie, so the one thing to remember
 * is which of them no longer count, until they would have run out by themselves.
 *
 * @module
 */
import { keySpace, type Store } from "../store/kv.ts";
import type { SweepPace } from "../ledger/sweep.ts";

/** Ends a session that would run out at `expiresAtSeconds`. */
export async function endSession(store: Store, id: string, expiresAtSeconds: number): Promise<void> {
  await store.commit((operation) => operation.set(keySpace.endedSession(id), expiresAtSeconds));
}

/** Whether a session was ended. */
export async function isEnded(store: Store, id: string): Promise<boolean> {
  return (await store.get(keySpace.endedSession(id))).value !== null;
}

/** Forgets those that have run out. Gives how many. */
export async function sweepEndedSessions(store: Store, nowSeconds: number, pace: SweepPace): Promise<number> {
  const over: Deno.KvKey[] = [];
  for await (const { key, value } of store.list<number>(keySpace.endedSessions())) {
    if (value <= nowSeconds) over.push(key);
  }
  for (let at = 0; at < over.length; at += pace.rowsPerCommit) {
    await store.commit((operation) => {
      for (const key of over.slice(at, at + pace.rowsPerCommit)) operation.delete(key);
    });
    await pace.pause();
  }
  return over.length;
}
