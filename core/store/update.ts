/**
 * Changing a row that others may change at the same time: read it, decide, commit under a check of what was read, and if
 * somebody was faster look again.
 *
 * @module
 */
import { StoreUnavailable } from "./breaker.ts";
import { Commit } from "./commit.ts";
import type { Engine, Key, MaybeEntry } from "./port.ts";

/** Commits of one change that may be overtaken: each that overtakes gets something done, so there are few. */
const MAX_OVERTAKEN = 100;

/** What an update did. */
export interface Updated<R> {
  /** What the change gave. */
  readonly result: R;
  /** The stamp of its commit; undefined when the change had nothing to write. */
  readonly stamp: string | undefined;
}

/**
 * Says what becomes of a row. It puts its writes into `commit`, which checks the row already, with whatever checks more it
 * rests on; without a write nothing is committed. `overtaken` is what it gave the time before, when its commit did not
 * go through: somebody was faster, or (a store's client may send a commit twice) it did land.
 */
export type Change<T, R> = (
  entry: MaybeEntry<T>,
  commit: Commit,
  overtaken: R | undefined,
) => R | Promise<R>;

/**
 * Changes the row under `key`.
 * @throws {StoreUnavailable} If the store does not answer, or others were always faster.
 */
export async function update<T, R>(engine: Engine, key: Key, change: Change<T, R>): Promise<Updated<R>> {
  for (let overtaken = 0, result: R | undefined; overtaken < MAX_OVERTAKEN; overtaken++) {
    const entry = await engine.get<T>(key);
    const commit = new Commit().check(entry);
    result = await change(entry, commit, result);
    if (commit.writes.length === 0) return { result, stamp: undefined };
    const done = await engine.commit(commit.checks, commit.writes);
    if (done.ok) return { result, stamp: done.stamp };
  }
  throw new StoreUnavailable("failed");
}
