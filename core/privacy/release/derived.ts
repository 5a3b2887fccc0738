/**
 * What the figures of one release say beyond its cells, at no cost: totals, shares and quantiles, each with an interval.
 *
 * Everything is made of the noised counts of one release, those too that are below the threshold. The noise of its cells
 * is independent, so that of a sum is known. What no sum can hold is in cells that were not selected; at most so many
 * people are in each, and the intervals have room for all of them.
 *
 * @module
 */
import type { Interval } from "../dp/interval.ts";
import { type NoiseMoments, sumReach } from "../dp/noise_sum.ts";
import {
  addUp,
  bucketQuantile,
  NO_CELLS,
  type NoisedSum,
  type ShareEstimate,
  shareInterval,
} from "../dp/noised_sum.ts";
import { type CellValue, CONFIDENCE, type Figure, halfWidth, sizeOf } from "./figures.ts";
import { type Breakdown, momentsOf, type Noise } from "./plan.ts";
import type { Release } from "./rows.ts";

/** The quantiles that are told of a field of buckets. */
export const QUANTILES = [0.5, 0.9, 0.99] as const;
/** Totals, and groups of quantiles, of one release; of more, those of the most people are told. */
const MAX_DERIVED = 100;

/** A sum of cells. */
export interface Total extends Interval {
  /**
   * People, of a rate those among whom they are counted; where one person may be in several cells, they count in each;
   * or events. Noised.
   */
  readonly count: number;
  /** Of a rate: the share of the people with the event. */
  readonly rate?: ShareEstimate;
}

/** The total of all cells in which a field has a value. */
export interface ValueTotal extends Total {
  /** The field. */
  readonly field: string;
  /** Its value; null: it was absent. */
  readonly value: CellValue;
  /** Its share of all. */
  readonly share: ShareEstimate;
}

/** A quantile of a field of buckets. */
export interface FieldQuantile {
  /** The field. */
  readonly field: string;
  /** The values of the breakdown's other fields; of none: over all of them. */
  readonly among: Readonly<Record<string, CellValue>>;
  /** Which quantile: 0.5 is the median. */
  readonly quantile: number;
  /** The bucket that it is estimated to be in; its least measurement is null below the first edge, and so on. */
  readonly range: Range;
  /** The buckets that it is in with 95 % confidence, as one range. */
  readonly interval: Range;
}

/** Measurements from one to the next; null: there is no bound. */
export interface Range {
  /** In the range. */
  readonly from: number | null;
  /** The first beyond it. */
  readonly to: number | null;
}

/** Everything that is derived from a release. */
export interface Derived {
  /** All cells together. */
  readonly all: Total;
  /** The totals of single values, where they reach the threshold, in the order of fields and counts. */
  readonly values: readonly ValueTotal[];
  /** Of each field of buckets. */
  readonly quantiles: readonly FieldQuantile[];
}

/**
 * What a release's figures say together; undefined where they cannot be added up: estimates from local reports, whose
 * errors depend on each other, more cells than one release keeps, and what was released before figures were added up.
 */
export function deriveFrom(release: Release): Derived | undefined {
  const { plan, breakdown, withheld, hidden } = release;
  if (plan.of !== undefined || breakdown === undefined || hidden.length < withheld) return undefined;
  return new Derivation(release, breakdown).derive();
}

type Cells = readonly Figure[];

class Derivation {
  readonly #release: Release;
  readonly #breakdown: Breakdown;
  readonly #moments: NoiseMoments;
  readonly #cells: Cells;
  readonly #all: NoisedSum;
  /** Noised counts that the size of a cell is made of. */
  readonly #drawsOfCell: number;

  constructor(release: Release, breakdown: Breakdown) {
    this.#release = release;
    this.#breakdown = breakdown;
    this.#moments = momentsOf(release.noise);
    this.#cells = [...release.figures, ...release.hidden];
    this.#drawsOfCell = release.plan.among === undefined ? 1 : 2;
    this.#all = this.#sum(this.#cells, []);
  }

  derive(): Derived {
    const { by } = this.#release.plan;
    return {
      all: this.#total(this.#all, this.#cells),
      values: by.flatMap((_, position) => this.#valuesOf(position)).slice(0, MAX_DERIVED),
      quantiles: by.flatMap((_, position) => this.#quantilesOf(position)),
    };
  }

  /** The totals of a field's values. */
  #valuesOf(position: number): ValueTotal[] {
    const field = this.#release.plan.by[position] ?? "";
    return [...this.#groups(this.#cells, [position])].map(([, cells]) => {
      const part = this.#sum(cells, [position]);
      const rest = {
        sum: this.#all.sum - part.sum,
        draws: this.#all.draws - part.draws,
        unseen: this.#all.unseen - part.unseen,
      };
      return { value: cells[0]?.cell[position] ?? null, cells, part, rest };
    })
      .filter(({ part }) => part.sum >= this.#release.plan.threshold)
      .sort((a, b) => b.part.sum - a.part.sum)
      .slice(0, MAX_DERIVED)
      .map(({ value, cells, part, rest }) => ({
        field,
        value,
        ...this.#total(part, cells),
        share: shareInterval(part, rest, this.#moments, CONFIDENCE),
      }));
  }

  /** The quantiles of a field of buckets: over everything, and for each combination of the other fields' values. */
  #quantilesOf(position: number): FieldQuantile[] {
    const edges = this.#breakdown.fields[position]?.edges;
    if (edges === undefined) return [];
    const measured = this.#cells.filter(({ cell }) => cell[position] !== null);
    const others = this.#release.plan.by.map((_, index) => index).filter((index) => index !== position);
    const groups = others.length === 0 ? [] : [...this.#groups(measured, others)].map(([, cells]) => cells)
      .map((cells) => ({ cells, sum: cells.reduce((sum, cell) => sum + sizeOf(cell), 0) }))
      .filter(({ sum }) => sum >= this.#release.plan.threshold)
      .sort((a, b) => b.sum - a.sum).slice(0, MAX_DERIVED);
    return [
      ...this.#quantilesAmong(measured, { position, edges, others: [] }),
      ...groups.flatMap(({ cells }) => this.#quantilesAmong(cells, { position, edges, others })),
    ];
  }

  #quantilesAmong(
    cells: Cells,
    { position, edges, others }: { position: number; edges: readonly number[]; others: readonly number[] },
  ): FieldQuantile[] {
    const { by } = this.#release.plan;
    const byBucket = Map.groupBy(cells, ({ cell }) => cell[position]);
    const buckets = Array.from(
      { length: edges.length + 1 },
      (_, bucket) => this.#sum(byBucket.get(bucket) ?? [], [position, ...others]),
    );
    if (addUp(buckets).sum < this.#release.plan.threshold) return [];
    const rangeOf = (from: number, to: number): Range => ({
      from: edges[from - 1] ?? null,
      to: edges[to] ?? null,
    });
    return QUANTILES.flatMap((quantile) => {
      const found = bucketQuantile(buckets, quantile, this.#moments, CONFIDENCE);
      if (found === undefined) return [];
      const { bucket, lower, upper } = found;
      return [{
        field: by[position] ?? "",
        among: Object.fromEntries(others.map((index) => [by[index], cells[0]?.cell[index] ?? null])),
        quantile,
        range: rangeOf(bucket, bucket),
        interval: rangeOf(lower, upper),
      }];
    });
  }

  /** Cells by their values at some positions of the breakdown. */
  #groups(cells: Cells, positions: readonly number[]): Map<string, Figure[]> {
    return Map.groupBy(cells, ({ cell }) => JSON.stringify(positions.map((index) => cell[index])));
  }

  /** The sum of all cells that have one value at each of these positions, and what else there may be in such cells. */
  #sum(cells: Cells, positions: readonly number[]): NoisedSum {
    if (cells.length === 0 && this.#breakdown.mostUnseen === 0) return NO_CELLS;
    const possible = this.#breakdown.fields.reduce(
      (product, { values }, index) => positions.includes(index) ? product : product * values,
      1,
    );
    return {
      sum: cells.reduce((sum, cell) => sum + sizeOf(cell), 0),
      draws: cells.length * this.#drawsOfCell,
      unseen: Math.max(0, possible - cells.length) * this.#breakdown.mostUnseen,
    };
  }

  #total({ sum, draws, unseen }: NoisedSum, cells: Cells): Total {
    const reach = draws === 1
      ? halfWidth(this.#release.noise)
      : Math.floor(sumReach(this.#moments, [{ weight: 1, draws }], CONFIDENCE));
    return {
      count: sum,
      lower: Math.max(0, sum - reach),
      upper: Math.max(0, sum + unseen + reach),
      ...(this.#release.plan.among === undefined ? {} : { rate: rateIn(cells, unseen, this.#moments) }),
    };
  }
}

/** The rate of a figure of a rate, the share of people with the event; undefined of any other figure. */
export function rateOf(figure: Figure, noise: Noise): ShareEstimate | undefined {
  return figure.among === undefined ? undefined : rateIn([figure], 0, momentsOf(noise));
}

/** The share of people with the event in these cells; whoever was not seen may be with them or without. */
function rateIn(cells: Cells, unseen: number, moments: NoiseMoments): ShareEstimate {
  const having = cells.reduce((sum, { count }) => sum + count, 0);
  const among = cells.reduce((sum, cell) => sum + sizeOf(cell), 0);
  const draws = cells.length;
  return shareInterval(
    { sum: having, draws, unseen },
    { sum: among - having, draws, unseen },
    moments,
    CONFIDENCE,
  );
}
