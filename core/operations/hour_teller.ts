/**
 * Which process tells which hour of the counts that leave by the hour, so that their sum over all processes is exact
 * whatever happens to a process.
 *
 * A process tells an hour when it is over. One that ends before cannot; its rows of that hour lie in the store
 * (core/operations/counter_rows.ts), and another process tells them: its successor, or one beside it. A row that is
 * written once, by whoever tells, keeps two from telling the same hour; it is written when somebody asks for the metrics
 * and not before, so that an hour which no scraper has seen is still there for the next process.
 *
 * What is told for the first time has stood there with 0 for two minutes, and not before its hour was over: a scraper
 * takes a series that comes out of nothing for one that has always been so high.
 *
 * @module
 */
import { type AppCounts, type Counters, MAX_WAITING_HOURS } from "./counters.ts";
import { countersOf, TOLD_HOURS, TOLD_SINCE, toldHoursOf } from "./families.ts";
import { isHourly, type Series } from "./metrics.ts";
import type { Store } from "../store/store.ts";

const HOUR_SECONDS = 3_600;
/** Between the end of an hour, or the first sight of a series, and its being told. Scrape more often than that. */
export const TELL_AFTER_SECONDS = 120;
/** Between the end of an hour and its being told by another process, where its own may still be there. */
export const TELL_FOR_OTHERS_AFTER_SECONDS = 600;
/** Between two looks at the rows of other processes. */
const LOOK_SECONDS = 60;

/** What a {@linkcode HourTeller} works with. */
export interface HourTellerOptions {
  /** Where the rows of all processes are. */
  readonly store: Store;
  /** This process's counters. */
  readonly counters: Counters;
  /** The random name of this process. */
  readonly process: string;
  /** Unix seconds. */
  readonly now: () => number;
}

/** An hour that another process counted. */
interface ForeignHour {
  readonly hour: number;
  readonly process: string;
  readonly counts: Map<string, ReadonlyMap<Series, number>>;
}

/** Has the counters tell the hours that are this process's to tell. */
export class HourTeller {
  readonly #store: Store;
  readonly #counters: Counters;
  readonly #process: string;
  readonly #now: () => number;
  /** When each foreign series was first seen here, Unix seconds. */
  readonly #seen = new Map<string, number>();
  /** Whether this process saw an hour as told, so that it does not ask for it again. */
  #lookedAt = -Infinity;
  #telling: Promise<void> | undefined;
  #since: number | undefined;

  /** Nothing is read or written yet. */
  constructor({ store, counters, process, now }: HourTellerOptions) {
    this.#store = store;
    this.#counters = counters;
    this.#process = process;
    this.#now = now;
  }

  /**
   * Tells what is due. Whoever shows metrics calls it before.
   * @throws {Refusal} `store_unavailable`: what is due is told the next time.
   */
  tell(): Promise<void> {
    this.#telling ??= this.#tell().finally(() => this.#telling = undefined);
    return this.#telling;
  }

  async #tell(): Promise<void> {
    const now = this.#now();
    // Before anything is told the store says from which hour on: an older program told what was before by itself.
    const since = this.#since ??= await this.#readSince();
    for (const hour of this.#counters.untoldHours(Math.floor((now - TELL_AFTER_SECONDS) / HOUR_SECONDS))) {
      if (await this.#claim(hour, this.#process)) this.#counters.tellHour(hour);
      else this.#counters.leaveHour(hour);
    }
    if (now - this.#lookedAt < LOOK_SECONDS) return;
    const current = Math.floor(now / HOUR_SECONDS);
    // Not of the current hour: a name that comes up tells the moment of its first event.
    for (
      const foreign of await this.#foreignHours(Math.max(since, current - MAX_WAITING_HOURS), current - 1)
    ) {
      const seenForLong = this.#announce(foreign.counts, now);
      if (!seenForLong || now < this.#dueAt(foreign.hour)) continue;
      if (await this.#claim(foreign.hour, foreign.process)) this.#counters.tell(foreign.counts);
    }
    this.#lookedAt = now;
  }

  /** When another process's hour may be told here, Unix seconds. One process alone has a store that is not shared. */
  #dueAt(hour: number): number {
    const after = this.#store.capabilities.shared ? TELL_FOR_OTHERS_AFTER_SECONDS : TELL_AFTER_SECONDS;
    return (hour + 1) * HOUR_SECONDS + after;
  }

  /** Shows series with 0, if they are new here. Gives whether all of them have been seen for long enough. */
  #announce(all: AppCounts, now: number): boolean {
    let newest = -Infinity;
    for (const [app, counts] of all) {
      for (const series of counts.keys()) {
        const name = `${app} ${series}`;
        const seenAt = this.#seen.get(name) ?? now;
        this.#seen.set(name, seenAt);
        newest = Math.max(newest, seenAt);
      }
      this.#counters.tell(new Map([[app, new Map([...counts.keys()].map((series) => [series, 0]))]]));
    }
    return now - newest >= TELL_AFTER_SECONDS;
  }

  /** The hours of other processes that nobody has told. */
  async #foreignHours(fromHour: number, toHour: number): Promise<ForeignHour[]> {
    const told = new Set<string>();
    for await (const { key: [, hour, process] } of this.#store.list(toldHoursOf(fromHour, toHour))) {
      told.add(`${hour} ${process}`);
    }
    const found = new Map<string, ForeignHour>();
    for await (
      const { key, value } of this.#store.list<Record<Series, number>>(countersOf(fromHour, toHour))
    ) {
      const [, hour, app, process] = key as [string, number, string, string];
      const name = `${hour} ${process}`;
      if (process === this.#process || told.has(name)) continue;
      const series = Object.entries(value).filter(([series]) => isHourly(series));
      const foreign = found.get(name) ?? { hour, process, counts: new Map() };
      foreign.counts.set(app, new Map(series));
      found.set(name, foreign);
    }
    return [...found.values()];
  }

  /** Whether an hour of a process is this one's to tell. */
  async #claim(hour: number, process: string): Promise<boolean> {
    const key = TOLD_HOURS.key(hour, process);
    const done = await this.#store.commit((commit) =>
      commit.check({ key, stamp: null }).set(key, this.#process)
    );
    // A claim whose answer was lost is found the next time, with this process's name in it.
    return done !== undefined || (await this.#store.get<string>(key)).value === this.#process;
  }

  async #readSince(): Promise<number> {
    const key = TOLD_SINCE.key();
    const { value } = await this.#store.get<number>(key);
    if (value !== null) return value;
    const hour = Math.floor(this.#now() / HOUR_SECONDS);
    await this.#store.commit((commit) => commit.check({ key, stamp: null }).set(key, hour));
    return (await this.#store.get<number>(key)).value ?? hour;
  }
}
