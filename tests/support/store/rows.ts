/**
 * Single rows, as tests plant and remove them beside the service.
 *
 * @module
 */
import type { Store } from "../../../core/store/store.ts";
import type { Key } from "../../../core/store/port.ts";

/** Writes a row, whatever is there. Gives its stamp. */
export async function setRow(store: Store, key: Key, value: unknown): Promise<string> {
  const stamp = await store.commit((commit) => commit.set(key, value));
  if (stamp === undefined) throw new Error("A commit without checks was refused.");
  return stamp;
}

/** Removes a row. */
export async function deleteRow(store: Store, key: Key): Promise<void> {
  await store.commit((commit) => commit.delete(key));
}
