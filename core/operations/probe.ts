/**
 * Finds out whether the store reads and writes, and leaves nothing in it.
 *
 * @module
 */
import type { Store } from "../store/store.ts";
import { PROBES } from "./families.ts";

/**
 * Commits a row that the same commit removes, and reads it: {@linkcode Store.answers} says what came of it. The commit is
 * written like any other, so that a full disk or a file that takes no writes shows.
 * @throws {StoreUnavailable} If the store does not do its part.
 */
export async function probeStore(store: Store): Promise<void> {
  const key = PROBES.key();
  await store.commit((commit) => commit.set(key, true).delete(key));
  await store.get(key);
}
