/**
 * Counters without people: how often what happened, per application, never to whom.
 *
 * A process counts in memory. Whole hours are what the store keeps (core/operations/counter_rows.ts); minutes exist here
 * alone, for the live view, and are gone with the process.
 *
 * @module
 */
import { Histogram } from "./histogram.ts";
import {
  DURATIONS,
  type FaultKind,
  isHourly,
  type MetricKey,
  parseSeries,
  powerBucket,
  type Series,
  seriesOf,
} from "./metrics.ts";

/** Counts by series. */
export type Counts = ReadonlyMap<Series, number>;

/** Counts by application; `""` is what belongs to none. */
export type AppCounts = ReadonlyMap<string, Counts>;

/** Minutes that the live view shows. */
export const LIVE_MINUTES = 60;
/** Hours that wait for a store which does not answer, or for a scraper; beyond it the oldest is given up. */
export const MAX_WAITING_HOURS = 48;

const SECONDS = { minute: 60, hour: 3_600 } as const;

/** An answer as the counters see it. */
export interface CountedAnswer {
  /** The kind of route. */
  readonly route: string;
  /** The application, if it is one that exists. */
  readonly app: string | undefined;
  /** `ok`, `replayed`, or the code of a refusal. */
  readonly outcome: string;
  /** The duration, coarse. */
  readonly duration: string;
  /** The duration in seconds, of operators' routes only. */
  readonly seconds?: number | undefined;
}

/** Counts what happens in this process. */
export class Counters {
  readonly #totals = new Tally();
  /** Series that are shown before anything of them is counted. */
  readonly #expected = new Tally();
  /** What may be told of the series that leave by the hour. */
  readonly #told = new Tally();
  /** This process's own hours that were not told yet. */
  readonly #untold = new Map<number, Tally>();
  readonly #hours = new Map<number, Tally>();
  readonly #minutes = new Map<number, Tally>();
  /** What was counted in the minute of now and is in none of the others yet: each of them takes it once a minute, or asked. */
  #fresh = new Tally();
  #freshMinute = 0;

  /** How long requests on operators' routes took. */
  readonly durations: Histogram = new Histogram(DURATIONS.bounds);

  readonly #now: () => number;

  /** `now` gives Unix seconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Shows series with 0 before anything is counted. */
  expect(app: string, all: readonly Series[]): void {
    for (const series of all) this.#expected.add(app, series, 0);
  }

  /** Counts an answer. */
  answered({ route, app, outcome, duration, seconds }: CountedAnswer): void {
    if (seconds !== undefined) this.durations.observe(route, seconds);
    this.#add(app ?? "", [
      [seriesOf("requests", route, outcome), 1],
      [seriesOf("durations", route, duration), 1],
    ]);
  }

  /** Counts tokens that were signed. */
  issued(app: string, tokens: number): void {
    this.#add(app, [[seriesOf("tokens"), tokens]]);
  }

  /** Counts the events of an accepted log and the use (from 0) that it claimed. */
  logged(app: string, use: number, accepted: number, rejectedCodes: readonly string[]): void {
    this.#add(app, [
      [seriesOf("uses", powerBucket(use + 1)), 1],
      [seriesOf("events", "accepted"), accepted],
      ...rejectedCodes.map((code): [Series, number] => [seriesOf("events", code), 1]),
    ]);
  }

  /** Counts a commit of the ledger. */
  committed(claims: number, ok: boolean): void {
    this.#add("", [[seriesOf("commits", powerBucket(claims), ok ? "ok" : "failed"), 1]]);
  }

  /** Counts an error that nothing caught. */
  fault(kind: FaultKind): void {
    this.#add("", [[seriesOf("faults", kind), 1]]);
  }

  /** Everything since the start of this process. */
  totals(): AppCounts {
    this.#settle();
    return this.#totals.counts;
  }

  /**
   * What may leave the process for somebody who writes it down often: the same totals, but of the series that are told
   * by the hour those hours alone which were told ({@linkcode HourTeller}). From the end of an hour on its names stand
   * there, with 0: within it a new name would tell the moment of its first event as well as a number.
   */
  exported(): AppCounts {
    this.#settle();
    const shown = new Tally();
    for (const [app, counts] of this.#totals.counts) {
      for (const [series, count] of counts) if (!isHourly(series)) shown.add(app, series, count);
    }
    for (const hour of this.untoldHours(this.#hour())) {
      for (const [app, counts] of this.#untold.get(hour)?.counts ?? []) {
        for (const series of counts.keys()) if (isHourly(series)) shown.add(app, series, 0);
      }
    }
    return sumCounts([this.#expected.counts, shown.counts, this.#told.counts]);
  }

  /** This process's own hours before `hour` that were not told yet. */
  untoldHours(hour: number): number[] {
    this.#settle();
    return [...this.#untold.keys()].filter((own) => own < hour);
  }

  /** From now on one of this process's own hours is a part of what is exported. */
  tellHour(hour: number): void {
    this.#settle();
    this.tell(this.#untold.get(hour)?.counts ?? new Map());
    this.#untold.delete(hour);
  }

  /** Another process tells one of this process's own hours. */
  leaveHour(hour: number): void {
    this.#settle();
    this.#untold.delete(hour);
  }

  /** From now on these counts are a part of what is exported, as far as they are told by the hour. */
  tell(all: AppCounts): void {
    for (const [app, counts] of all) {
      for (const [series, count] of counts) if (isHourly(series)) this.#told.add(app, series, count);
    }
  }

  /** The last {@linkcode LIVE_MINUTES} minutes by their number since 1970, the current one included. */
  minutes(): ReadonlyMap<number, AppCounts> {
    this.#settle();
    this.#dropOldMinutes();
    return countsOf(this.#minutes);
  }

  /** The hours, by their number since 1970, that the store does not have in full yet. */
  hours(): ReadonlyMap<number, AppCounts> {
    this.#settle();
    return countsOf(this.#hours);
  }

  /** Forgets a closed hour: the store has it in full. */
  forgetHour(hour: number): void {
    this.#settle();
    if (hour < this.#hour()) this.#hours.delete(hour);
  }

  #add(app: string, counts: readonly (readonly [Series, number])[]): void {
    const minute = Math.floor(this.#now() / SECONDS.minute);
    if (minute !== this.#freshMinute) {
      this.#settle();
      this.#freshMinute = minute;
    }
    for (const [series, count] of counts) if (count !== 0) this.#fresh.add(app, series, count);
  }

  /** Brings what was counted of late to where it is read. */
  #settle(): void {
    const fresh = this.#fresh.counts;
    if (fresh.size === 0) return;
    this.#fresh = new Tally();
    const minute = this.#freshMinute;
    const hour = Math.floor(minute * SECONDS.minute / SECONDS.hour);
    // Not the same tally: where a clock was set back, an hour that was told is counted on and told once more.
    const tallies = [
      this.#totals,
      windowOf(this.#hours, hour),
      windowOf(this.#untold, hour),
      windowOf(this.#minutes, minute),
    ];
    for (const [app, counts] of fresh) {
      for (const [series, count] of counts) for (const tally of tallies) tally.add(app, series, count);
    }
    for (const hours of [this.#hours, this.#untold]) {
      const [oldest] = hours.keys();
      if (oldest !== undefined && hours.size > MAX_WAITING_HOURS) hours.delete(oldest);
    }
    this.#dropOldMinutes();
  }

  #hour(): number {
    return Math.floor(this.#now() / SECONDS.hour);
  }

  #dropOldMinutes(): void {
    const oldest = Math.floor(this.#now() / SECONDS.minute) - LIVE_MINUTES;
    for (const minute of this.#minutes.keys()) if (minute <= oldest) this.#minutes.delete(minute);
  }
}

class Tally {
  readonly counts = new Map<string, Map<Series, number>>();

  add(app: string, series: Series, count: number): void {
    let counts = this.counts.get(app);
    if (counts === undefined) this.counts.set(app, counts = new Map());
    counts.set(series, (counts.get(series) ?? 0) + count);
  }
}

function windowOf(windows: Map<number, Tally>, number: number): Tally {
  let window = windows.get(number);
  if (window === undefined) windows.set(number, window = new Tally());
  return window;
}

function countsOf(windows: ReadonlyMap<number, Tally>): ReadonlyMap<number, AppCounts> {
  return new Map([...windows].map(([number, { counts }]) => [number, counts]));
}

/** Adds counts up by application and series. */
export function sumCounts(all: Iterable<AppCounts>): AppCounts {
  const sum = new Tally();
  for (const counts of all) {
    for (const [app, series] of counts) {
      for (const [name, count] of series) sum.add(app, name, count);
    }
  }
  return sum.counts;
}

/** Adds up the series of a metric whose labels have the given values; an undefined value fits every one. */
export function sumOf(
  counts: Counts | undefined,
  metric: MetricKey,
  ...values: (string | undefined)[]
): number {
  let sum = 0;
  for (const [series, count] of counts ?? []) {
    const { metric: own, values: labels } = parseSeries(series);
    if (own !== metric) continue;
    if (values.every((value, index) => value === undefined || value === labels[index])) sum += count;
  }
  return sum;
}
