/**
 * Sessions of the console that were ended before their time: a session is a signed cookie, so the one thing to remember
 * is which of them no longer count, until they would have run out by themselves.
 *
 * @module
 */
import { ENDED_SESSIONS } from "./families.ts";
import type { Store } from "../store/store.ts";
import type { SweepPace } from "../store/sweep.ts";

/** Ends a session that would run out at `expiresAtSeconds`. */
export async function endSession(store: Store, id: string, expiresAtSeconds: number): Promise<void> {
  await store.commit((commit) => commit.set(ENDED_SESSIONS.key(id), expiresAtSeconds));
}

/** Whether a session was ended. */
export async function isEnded(store: Store, id: string): Promise<boolean> {
  return (await store.get(ENDED_SESSIONS.key(id))).value !== null;
}

/** Forgets those that have run out. Gives how many. */
export async function sweepEndedSessions(store: Store, nowSeconds: number, pace: SweepPace): Promise<number> {
  return await store.sweep<number>(ENDED_SESSIONS.all(), pace, ({ value }) => value <= nowSeconds);
}
