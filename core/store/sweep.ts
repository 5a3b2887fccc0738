/**
 * Removes rows a few at a time. There is no row that expires by itself: rows that expire together are deleted in one
 * statement that blocks every commit for seconds.
 *
 * @module
 */
import type { Engine, Entry, Range } from "./port.ts";

/** How a sweep is paced. */
export interface SweepPace {
  /** Rows deleted in one commit. */
  readonly rowsPerCommit: number;
  /** Waits between two commits; it is told how many milliseconds the last one took, and the reading before it. */
  readonly pause: (busyMs: number) => Promise<void>;
}

/** How long a sweep leaves the store to others for each millisecond that it had it. */
const REST_FOR_WORK = 9;
const LEAST_REST_MS = 10;
/** So that rows do not come faster than they go where the disk is slow. */
const MOST_REST_MS = 100;

/**
 * Milliseconds of rest after so many of work. A sweep has a tenth of the store's time, also on a disk that is slow: on a
 * file every commit waits for it, and the one that fills the write-ahead log also for all pages that the log holds
 * (docs/measurements.md).
 */
export function restAfter(busyMs: number): number {
  return Math.min(Math.max(LEAST_REST_MS, REST_FOR_WORK * busyMs), MOST_REST_MS);
}

/** 250 rows, then time for the commits of requests. */
export const DEFAULT_PACE: SweepPace = {
  rowsPerCommit: 250,
  pause: (busyMs) => new Promise((resolve) => setTimeout(resolve, restAfter(busyMs))),
};

/**
 * Removes the rows of a range, of which `isOver` says so, or all. Idempotent. A row of which `isOver` was asked goes only
 * if it is still as it was then; it has its turn in the next sweep.
 * @returns How many rows it removed.
 */
export async function sweep<T>(
  engine: Engine,
  range: Range,
  pace: SweepPace,
  isOver?: (entry: Entry<T>) => boolean,
): Promise<number> {
  const cleared = isOver === undefined ? await engine.clear?.(range) : undefined;
  if (cleared !== undefined) return cleared;
  const { checksPerCommit, writesPerCommit, rowsPerPage } = engine.limits;
  const most = isOver === undefined ? writesPerCommit : checksPerCommit;
  const limit = Math.min(pace.rowsPerCommit, rowsPerPage, most);
  let swept = 0;
  for (let cursor = "";;) {
    const startedAt = performance.now();
    const page = await engine.list<T>(range, { limit, cursor });
    const over = isOver === undefined ? page.entries : page.entries.filter(isOver);
    if (over.length > 0) {
      const checks = isOver === undefined ? [] : over;
      const done = await engine.commit(checks, over.map(({ key }) => ({ type: "delete", key })));
      if (done.ok) swept += over.length;
      await pace.pause(performance.now() - startedAt);
    }
    if (page.entries.length < limit) return swept;
    cursor = page.cursor;
  }
}
