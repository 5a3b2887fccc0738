/**
 * Copying claims and records into a store that gives stamps itself. The reconciliation sets the claims of a commit
 * against its records, and knows a commit by its stamp: so what was one commit is one again, or, where the target takes
 * less, each row of records goes with as many claims of its day.
 *
 * @module
 */
import { decodeClaim } from "../../ledger/claim_row.ts";
import { countRecords } from "../../ledger/day_records.ts";
import { CLAIMS, LOG_ROWS } from "../../ledger/families.ts";
import { roomInCommit } from "../../store/limits.ts";
import type { Entry } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { sizeOf } from "./contents.ts";
import type { CopyPlace } from "./copy_mark.ts";
import { type Copying, reach } from "./copy_rows.ts";

/** Rows that are held in memory at a time, about. */
const ROWS_OF_A_SLICE = 200_000;

/** How commits are copied. */
export interface CopyCommitsOptions {
  /** The application of a claim's key by its ordinal; undefined of one that nobody knows. */
  readonly appOf: (ordinal: number) => string | undefined;
  /** Rows that are held at a time; 200,000 by default. With more, the source is read several times. */
  readonly rowsOfASlice?: number | undefined;
}

/** Whether a row was written by a commit of claims and records. */
export function isOfCommit({ key }: Pick<Entry<unknown>, "key">): boolean {
  return key[0] === CLAIMS.letter || key[0] === LOG_ROWS.letter;
}

/** Copies them, behind the slices that were reached. Gives how far it is then. */
export async function copyCommits(
  copying: Copying,
  reached: CopyPlace,
  { appOf, rowsOfASlice = ROWS_OF_A_SLICE }: CopyCommitsOptions,
): Promise<CopyPlace> {
  const { from, to } = copying;
  let rows = 0;
  for await (const _ of commitRows(from)) rows++;
  const slices = Math.max(1, Math.ceil(rows / rowsOfASlice));
  let place = reached;
  for (let slice = reached.slices ?? 0; slice < slices; slice++) {
    const commits = new Map<string, Entry<unknown>[]>();
    for await (const row of commitRows(from)) {
      if (sliceOf(row.stamp, slices) !== slice) continue;
      const commit = commits.get(row.stamp);
      if (commit === undefined) commits.set(row.stamp, [row]);
      else commit.push(row);
    }
    let written = place.rows;
    for (const commit of commits.values()) {
      for (const part of fits(commit, to) ? [commit] : partsOf(commit, appOf)) {
        await to.commit((writes) => part.forEach(({ key, value }) => writes.set(key, value)));
      }
      written += commit.length;
    }
    place = { ...place, rows: written, slices: slice + 1 };
    await reach(copying, place);
  }
  return place;
}

async function* commitRows(store: Store): AsyncGenerator<Entry<unknown>> {
  const batchSize = store.limits.rowsPerPage;
  yield* store.list<unknown>(CLAIMS.all(), { batchSize });
  yield* store.list<unknown>(LOG_ROWS.all(), { batchSize });
}

/** Digits of a stamp that differ from commit to commit stand at its end in one store, before its last four in another. */
function sliceOf(stamp: string, slices: number): number {
  return (parseInt(stamp.slice(4, 16), 16) + parseInt(stamp.slice(16), 16)) % slices;
}

function fits(rows: readonly Entry<unknown>[], { limits }: Store): boolean {
  return rows.length <= limits.writesPerCommit &&
    rows.reduce((sum, row) => sum + sizeOf(row), 0) <= roomInCommit(limits);
}

/** Each row of records with as many claims of its application and day; then what is left, row by row. */
function partsOf(
  commit: readonly Entry<unknown>[],
  appOf: CopyCommitsOptions["appOf"],
): Entry<unknown>[][] {
  const claims = Map.groupBy(commit.filter(({ key }) => key[0] === CLAIMS.letter), ({ key, value }) => {
    const id = key[1] as Uint8Array;
    const ordinal = new DataView(id.buffer, id.byteOffset, id.length).getUint32(0);
    const claim = decodeClaim(value);
    return claim?.recorded ? `${appOf(ordinal)} ${claim.day}` : "";
  });
  const parts = commit.filter(({ key }) => key[0] === LOG_ROWS.letter).map((row) => {
    const [, app, day] = row.key as [string, string, number];
    const bytes = row.value as Uint8Array;
    const records = countRecords({ kind: "log", key: row.key, stamp: row.stamp, bytes });
    return [row, ...claims.get(`${app} ${day}`)?.splice(0, records) ?? []];
  });
  return [...parts, ...claims.values().flatMap((left) => left.map((claim) => [claim]))];
}
