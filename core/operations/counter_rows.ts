/**
 * The hours of all processes' counters in the store. Each process has a row of its own per hour and application and
 * always writes the whole count, never a difference, so that a repeated write counts nothing twice; and each write checks
 * the row's stamp, so that one which lands late cannot undo a newer one.
 *
 * @module
 */
import type { AppCounts, Counters, Counts } from "./counters.ts";
import { sumCounts } from "./counters.ts";
import type { Series } from "./metrics.ts";
import { COUNTERS, countersOf, toldHoursOf } from "./families.ts";
import type { Key } from "../store/port.ts";
import { roomInCommit } from "../store/limits.ts";
import type { Store } from "../store/store.ts";
import type { SweepPace } from "../store/sweep.ts";

/** Days that hours are kept. */
export const COUNTER_RETENTION_DAYS = 30;
/** Bytes of a row with every series that there is, and some to spare. */
const MAX_ROW_BYTES = 20 * 1024;

type CounterRow = Readonly<Record<Series, number>>;

interface KnownRow {
  readonly stamp: string | null;
  /** The sum of the counts that were written. */
  readonly written: number;
}

/** This process's rows, and the view of everybody's. */
export class CounterRows {
  readonly #known = new Map<string, KnownRow>();
  #flushing: Promise<void> | undefined;

  readonly #store: Store;
  readonly #counters: Counters;
  readonly #process: string;
  readonly #now: () => number;

  /** `process` is a random name of this process. */
  constructor(store: Store, counters: Counters, process: string, now: () => number) {
    this.#store = store;
    this.#counters = counters;
    this.#process = process;
    this.#now = now;
  }

  /**
   * Writes what has changed since the last time. What could not be written is written the next time.
   * @throws {Refusal} `store_unavailable`.
   */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => this.#flushing = undefined);
    return this.#flushing;
  }

  /** The hours from `fromHour` to `toHour`, both included, of all processes; this process's own up to this moment. */
  async read(fromHour: number, toHour: number): Promise<Map<number, AppCounts>> {
    const parts = new Map<number, AppCounts[]>();
    const put = (hour: number, counts: AppCounts) => parts.set(hour, [...parts.get(hour) ?? [], counts]);
    const own = this.#counters.hours();
    for await (const { key, value } of this.#store.list<CounterRow>(countersOf(fromHour, toHour))) {
      const [, hour, app, process] = key as [string, number, string, string];
      if (process === this.#process && own.has(hour)) continue;
      put(hour, new Map([[app, new Map(Object.entries(value))]]));
    }
    for (const [hour, counts] of own) if (hour >= fromHour && hour <= toHour) put(hour, counts);
    return new Map([...parts].sort(([a], [b]) => a - b).map(([hour, counts]) => [hour, sumCounts(counts)]));
  }

  async #flush(): Promise<void> {
    const changed: { name: string; key: Key; counts: Counts; sum: number }[] = [];
    for (const [hour, apps] of this.#counters.hours()) {
      for (const [app, counts] of apps) {
        const name = `${hour} ${app}`;
        const sum = counts.values().reduce((a, b) => a + b, 0);
        if (this.#known.get(name)?.written === sum) continue;
        changed.push({ name, key: COUNTERS.key(hour, app, this.#process), counts: new Map(counts), sum });
      }
    }
    const { limits } = this.#store;
    const rowsPerCommit = Math.min(limits.checksPerCommit, Math.floor(roomInCommit(limits) / MAX_ROW_BYTES));
    for (let at = 0; at < changed.length; at += rowsPerCommit) {
      const rows = changed.slice(at, at + rowsPerCommit);
      const stamps = await this.#stamps(rows);
      let done: string | undefined;
      try {
        done = await this.#store.commit((commit) => {
          for (const { name, key, counts } of rows) {
            commit.check({ key, stamp: stamps.get(name) ?? null });
            commit.set(key, Object.fromEntries(counts));
          }
        });
      } finally {
        // After an unknown outcome, or one that an earlier write of our own overtook, the rows are looked at again.
        for (const { name, sum } of rows) {
          if (done === undefined) this.#known.delete(name);
          else this.#known.set(name, { stamp: done, written: sum });
        }
      }
    }
    this.#forgetWritten(changed.map(({ key }) => key[1] as number));
  }

  /** The stamps of rows by their names; none of those that are not there yet. */
  async #stamps(rows: readonly { name: string; key: Key }[]): Promise<ReadonlyMap<string, string | null>> {
    const unknown = rows.filter(({ name }) => !this.#known.has(name));
    const read = await this.#store.getMany(unknown.map(({ key }) => key));
    const found = new Map(unknown.map(({ name }, index) => [name, read[index]?.stamp]));
    return new Map(rows.map(({ name }) => [name, this.#known.get(name)?.stamp ?? found.get(name) ?? null]));
  }

  /** An hour is forgotten at the flush after the one that wrote it, once nothing can be added to it any more. */
  #forgetWritten(changedHours: readonly number[]): void {
    const current = Math.floor(this.#now() / 3_600);
    for (const hour of this.#counters.hours().keys()) {
      if (hour >= current || changedHours.includes(hour)) continue;
      this.#counters.forgetHour(hour);
      for (const name of this.#known.keys()) if (name.startsWith(`${hour} `)) this.#known.delete(name);
    }
  }
}

/** The newest time that the counters tell of, Unix seconds; undefined where nothing was counted. */
export async function newestCountedSeconds(store: Store): Promise<number | undefined> {
  for await (const { key } of store.list(COUNTERS.all(), { limit: 1, reverse: true })) {
    return key[1] as number * 3_600;
  }
  return undefined;
}

/** Deletes the hours that are over their retention, a few at a time. Gives how many rows it deleted. */
export async function sweepCounters(store: Store, nowSeconds: number, pace: SweepPace): Promise<number> {
  const firstKept = Math.floor(nowSeconds / 3_600) - COUNTER_RETENTION_DAYS * 24;
  await store.sweep(toldHoursOf(0, firstKept - 1), pace);
  return await store.sweep(countersOf(0, firstKept - 1), pace);
}
