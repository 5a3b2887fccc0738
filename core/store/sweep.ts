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
  /** Waits between two commits. */
  readonly pause: () => Promise<void>;
}

/** 250 rows, then a moment for the commits of requests. */
export const DEFAULT_PACE: SweepPace = {
  rowsPerCommit: 250,
  pause: () => new Promise((resolve) => setTimeout(resolve, 10)),
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
    const page = await engine.list<T>(range, { limit, cursor });
    const over = isOver === undefined ? page.entries : page.entries.filter(isOver);
    if (over.length > 0) {
      const checks = isOver === undefined ? [] : over;
      const done = await engine.commit(checks, over.map(({ key }) => ({ type: "delete", key })));
      if (done.ok) swept += over.length;
      await pace.pause();
    }
    if (page.entries.length < limit) return swept;
    cursor = page.cursor;
  }
}
