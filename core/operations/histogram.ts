/**
 * A histogram of durations by route, as Prometheus has them: cumulative buckets, a sum and a count.
 *
 * @module
 */

/** The durations of one route. */
export interface Observed {
  /** Observations at or below each bound, in the order of the bounds. */
  readonly atMost: readonly number[];
  /** Seconds of all together. */
  readonly sum: number;
  /** How many. */
  readonly count: number;
}

/** Durations by route since the start of this process. */
export class Histogram {
  readonly #routes = new Map<string, { atMost: number[]; sum: number; count: number }>();
  #listener: ((route: string, seconds: number) => void) | undefined;

  /** `bounds` are the buckets' upper bounds in seconds, rising. */
  constructor(readonly bounds: readonly number[]) {}

  /** Takes a duration. */
  observe(route: string, seconds: number): void {
    let observed = this.#routes.get(route);
    if (observed === undefined) {
      this.#routes.set(route, observed = { atMost: this.bounds.map(() => 0), sum: 0, count: 0 });
    }
    observed.atMost = observed.atMost.map((count, index) =>
      seconds <= (this.bounds[index] ?? Infinity) ? count + 1 : count
    );
    observed.sum += seconds;
    observed.count++;
    this.#listener?.(route, seconds);
  }

  /** What was observed, by route. */
  get routes(): ReadonlyMap<string, Observed> {
    return this.#routes;
  }

  /** Has every further duration heard by an SDK that makes buckets of its own. */
  listen(listener: (route: string, seconds: number) => void): void {
    this.#listener = listener;
  }
}
