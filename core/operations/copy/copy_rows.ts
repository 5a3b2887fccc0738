/**
 * Copying rows in the order of their keys, some at a time.
 *
 * @module
 */
import { roomInCommit } from "../../store/limits.ts";
import type { Entry, Key } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { STORE_COPIES } from "../../store/families.ts";
import { copiedRows, sizeOf } from "./contents.ts";
import type { CopyMark, CopyPlace } from "./copy_mark.ts";

/** What copies from one store to another. */
export interface Copying {
  /** The store that is copied. */
  readonly from: Store;
  /** The store that is filled. */
  readonly to: Store;
  /** The digest of what is copied. */
  readonly source: string;
  /** Hears how many rows are there. */
  readonly onProgress: (rows: number) => void;
}

/** Says in the store that is filled how far it is. */
export async function reach({ to, source, onProgress }: Copying, reached: CopyPlace): Promise<void> {
  const mark: CopyMark = { is: "arriving", source, reached };
  await to.commit((commit) => commit.set(STORE_COPIES.key(), mark));
  onProgress(reached.rows);
}

/**
 * Copies the rows of which `isOne` says so, behind those that were reached, and keeps their stamps where the target does.
 * Rows that come twice are written twice. Gives how far it is then.
 */
export async function copyRows(
  copying: Copying,
  reached: CopyPlace,
  isOne: (row: Entry<unknown>) => boolean = () => true,
): Promise<CopyPlace> {
  const { from, to } = copying;
  const most = Math.min(to.limits.writesPerCommit, to.limits.rowsPerPage);
  let place = reached;
  let batch: Entry<unknown>[] = [];
  let bytes = 0;
  const write = async () => {
    const key = batch.at(-1)?.key;
    if (key === undefined) return;
    if (to.keepsStamps) await to.load(batch);
    else await to.commit((commit) => batch.forEach(({ key, value }) => commit.set(key, value)));
    place = { rows: place.rows + batch.length, key };
    await reach(copying, place);
    [batch, bytes] = [[], 0];
  };
  for await (const row of copiedRows(from, reached.key)) {
    if (!isOne(row) || isSame(row.key, reached.key)) continue;
    const size = sizeOf(row);
    if (batch.length === most || bytes + size > roomInCommit(to.limits)) await write();
    batch.push(row);
    bytes += size;
  }
  await write();
  return place;
}

function isSame(key: Key, other: Key | undefined): boolean {
  return other !== undefined && key.length === other.length && key.every((part, index) => {
    const same = other[index];
    return part instanceof Uint8Array && same instanceof Uint8Array
      ? part.length === same.length && part.every((byte, at) => byte === same[at])
      : Object.is(part, same);
  });
}
