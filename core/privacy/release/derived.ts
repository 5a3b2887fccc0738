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
import type { NoiseMoments } from "../dp/noise_sum.ts";
import {
  bucketQuantile,
  NO_CELLS,
  type NoisedSum,
  type ShareEstimate,
  shareInterval,
} from "../dp/noised_sum.ts";
import type { CellValue, Figure } from "./figures.ts";
import { type Breakdown, momentsOf, type Noise } from "./plan.ts";
import type { Release } from "./rows.ts";
import { CONFIDENCE, reachOf, shownFromOf, sizeOf } from "./shown.ts";

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
      all: this.#total(this.#all, this.#cells, false),
      values: by.flatMap((_, position) => this.#valuesOf(position)).slice(0, MAX_DERIVED),
      quantiles: by.flatMap((_, position) => this.#quantilesOf(position)),
    };
  }

  /** The totals of a field's values. */
  #valuesOf(position: number): ValueTotal[] {
    const field = this.#release.plan.by[position] ?? "";
    const groups = [...this.#groups(this.#cells, [position]).values()].map((cells) => ({
      value: cells[0]?.cell[position] ?? null,
      cells,
      part: this.#sum(cells, [position]),
    }));
    return this.#shown(groups).map(({ value, cells, part, isNear }) => {
      const rest = {
        sum: this.#all.sum - part.sum,
        draws: this.#all.draws - part.draws,
        unseen: this.#all.unseen - part.unseen,
      };
      const share = shareInterval(part, rest, this.#moments, CONFIDENCE);
      return {
        field,
        value,
        ...this.#total(part, cells, isNear),
        share: isNear ? { ...share, lower: 0 } : share,
      };
    });
  }

  /**
   * The sums that are shown, the greatest first: by the same rules as single figures, see `shown.ts`, but in a release of
   * before, where the threshold alone decided and intervals did not know it.
   */
  #shown<G extends { readonly part: NoisedSum }>(groups: readonly G[]): (G & { isNear: boolean })[] {
    const { plan: { threshold, cells }, method, noise } = this.#release;
    const isOfBefore = method?.["shown-from"] === undefined;
    const lined = groups.map((group) => {
      const { draws } = group.part;
      const line = isOfBefore || cells === "selected"
        ? threshold
        : shownFromOf(threshold, groups.length, (confidence) => reachOf(noise, draws, confidence));
      return { group, line };
    }).filter(({ group: { part }, line }) => part.sum >= line)
      .sort((a, b) => b.group.part.sum - a.group.part.sum);
    const cut = lined.length > MAX_DERIVED ? lined[MAX_DERIVED - 1]?.group.part.sum ?? 0 : 0;
    return lined.slice(0, MAX_DERIVED).map(({ group, line }) => {
      const above = group.part.sum - Math.max(line, cut);
      return { ...group, isNear: !isOfBefore && above <= reachOf(noise, group.part.draws) };
    });
  }

  /** The quantiles of a field of buckets: over everything, and for each combination of the other fields' values. */
  #quantilesOf(position: number): FieldQuantile[] {
    const edges = this.#breakdown.fields[position]?.edges;
    if (edges === undefined) return [];
    const measured = this.#cells.filter(({ cell }) => cell[position] !== null);
    const others = this.#release.plan.by.map((_, index) => index).filter((index) => index !== position);
    const groupsBy = (positions: readonly number[]) =>
      this.#shown(
        [...this.#groups(measured, positions).values()].map((cells) => ({
          cells,
          part: this.#sum(cells, positions),
        })),
      ).flatMap((group) => this.#quantilesAmong(group, { position, edges, others: positions }));
    return [...groupsBy([]), ...(others.length === 0 ? [] : groupsBy(others))];
  }

  #quantilesAmong(
    { cells, isNear }: { readonly cells: Cells; readonly isNear: boolean },
    { position, edges, others }: { position: number; edges: readonly number[]; others: readonly number[] },
  ): FieldQuantile[] {
    const { by } = this.#release.plan;
    const byBucket = Map.groupBy(cells, ({ cell }) => cell[position]);
    const buckets = Array.from(
      { length: edges.length + 1 },
      (_, bucket) => this.#sum(byBucket.get(bucket) ?? [], [position, ...others]),
    );
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
        interval: isNear ? rangeOf(0, edges.length) : rangeOf(lower, upper),
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

  #total({ sum, draws, unseen }: NoisedSum, cells: Cells, isNear: boolean): Total {
    const reach = reachOf(this.#release.noise, draws);
    const total = {
      count: sum,
      lower: isNear ? 0 : Math.max(0, sum - reach),
      upper: Math.max(0, sum + unseen + reach),
    };
    if (this.#release.plan.among === undefined) return total;
    return { ...total, rate: rateIn(cells, unseen, { moments: this.#moments, isNear }) };
  }
}

/**
 * The rate of a figure of a rate, the share of people with the event; undefined of any other figure. `shownFrom` as its
 * method says. Either count can have lifted a figure that is near it, so nothing is known of its rate.
 */
export function rateOf(figure: Figure, noise: Noise, shownFrom?: number): ShareEstimate | undefined {
  if (figure.among === undefined) return undefined;
  const isNear = shownFrom !== undefined && figure.among - shownFrom <= reachOf(noise, 2);
  return rateIn([figure], 0, { moments: momentsOf(noise), isNear });
}

/** The share of people with the event in these cells; whoever was not seen may be with them or without. */
function rateIn(
  cells: Cells,
  unseen: number,
  { moments, isNear }: { readonly moments: NoiseMoments; readonly isNear: boolean },
): ShareEstimate {
  const having = cells.reduce((sum, { count }) => sum + count, 0);
  const among = cells.reduce((sum, cell) => sum + sizeOf(cell), 0);
  const draws = cells.length;
  const rate = shareInterval(
    { sum: having, draws, unseen },
    { sum: among - having, draws, unseen },
    moments,
    CONFIDENCE,
  );
  return isNear ? { ...rate, lower: 0, upper: 1 } : rate;
}
