/**
 * From bounded totals to figures that may be published: noise, selection of cells, threshold, intervals. What happens
 * after the noise costs nothing more.
 *
 * @module
 */
import { valueAtIndex, valueCount } from "../../schema/fields/table.ts";
import { type EventSchema, fieldOf } from "../../schema/event.ts";
import type { FieldSchema } from "../../schema/fields/types.ts";
import type { CellTotal } from "../dp/contributions.ts";
import { normalReach } from "../dp/interval.ts";
import type { LocalDp } from "../dp/local_dp.ts";
import { estimateFrequencies, spreadOf } from "../dp/local_dp_estimate.ts";
import { discreteGaussian, discreteLaplace } from "../dp/noise.ts";
import { toNumber } from "../dp/rational.ts";
import { estimatedField, type Noise, noiseOf, type ReleasePlan, selectionOf } from "./plan.ts";
import { CONFIDENCE, halfWidth, loweredNear, reachOf, shownFromOf, sizeOf } from "./shown.ts";
import type { UniformSource } from "../../base/uniform.ts";

/** Figures of one release; of more, the greatest are kept. */
export const MAX_FIGURES = 8_192;

/** A value of a field as records have it; null: the field was absent. */
export type CellValue = boolean | number | string | null;

/** One published figure. */
export interface Figure {
  /** The values of the fields of the breakdown, in its order. */
  readonly cell: readonly CellValue[];
  /** People, or events where more than one of a person is counted; noised, or estimated from noised reports. */
  readonly count: number;
  /** With 95 % confidence, what was counted after bounding is not below; 0 where the figure is near `shownFrom`. */
  readonly lower: number;
  /** With 95 % confidence, what was counted after bounding is not above. */
  readonly upper: number;
  /** Of a rate: the people among whom they are counted, themselves included; the sum of two noised counts. */
  readonly among?: number;
}

/** The figures of a release, the greatest first. */
export interface Figures {
  /** Those that are published. */
  readonly figures: readonly Figure[];
  /** From how many people on a figure is published. */
  readonly shownFrom: number;
  /** How many were left out because they are below that or beyond the greatest 8,192. */
  readonly withheld: number;
  /** Those of them that are below it, noised like the others: sums would be wrong without them. */
  readonly hidden: readonly Figure[];
  /** Of an estimate: how many reports there were, noised like each of their counts. */
  readonly reports?: number;
}

/** Index of a field's absence, behind those of its values. */
export function absentIndex(field: FieldSchema): number {
  return valueCount(field);
}

/** Makes figures of totals by cell; a cell is the indexes of its values, joined by commas. */
export function countFigures(
  plan: ReleasePlan,
  event: EventSchema,
  totals: ReadonlyMap<string, CellTotal>,
  random: UniformSource,
): Figures {
  const noise = noiseOf(plan);
  const fields = plan.by.map((name) => fieldOf(event, name));
  const half = halfWidth(noise);
  const figures: Figure[] = [];
  for (
    const cell of plan.cells === "declared" ? declaredCells(fields) : selectedCells(plan, totals, random)
  ) {
    const { people, events, marked } = totals.get(cell) ?? { people: 0, events: 0, marked: 0 };
    const count = (plan.among === undefined ? events : marked) + Number(draw(noise, random));
    figures.push({
      cell: readCell(fields, cell),
      count,
      lower: Math.max(0, count - half),
      upper: Math.max(0, count + half),
      ...(plan.among === undefined ? {} : { among: count + people - marked + Number(draw(noise, random)) }),
    });
  }
  return greatest(figures, countsShownFrom(plan, noise, figures.length));
}

/**
 * From where on counts of so many cells are shown. A cell that was selected has people in it, so that no noise has to be
 * told from nothing.
 */
export function countsShownFrom(
  { threshold, cells: kind, among }: Pick<ReleasePlan, "threshold" | "cells" | "among">,
  noise: Noise,
  cells: number,
): number {
  if (kind === "selected") return threshold;
  const draws = among === undefined ? 1 : 2;
  return shownFromOf(threshold, cells, (confidence) => reachOf(noise, draws, confidence));
}

/** From where on the estimates from so many reports are shown: by the error of a value that nobody has. */
export function estimatesShownFrom(
  threshold: number,
  noise: Noise,
  { mechanism, reports }: { readonly mechanism: LocalDp; readonly reports: number },
): number {
  const { standardDeviation } = spreadOf(mechanism, {
    count: 0,
    reports,
    confidence: CONFIDENCE,
    noiseVariance: varianceOf(noise),
  });
  return shownFromOf(
    threshold,
    mechanism.domainSize,
    (confidence) => normalReach(confidence) * standardDeviation,
  );
}

/**
 * Makes figures of how often each local report came, one a person. That a person has taken part at all is not protected
 * by their report's randomisation, so the histogram is noised like any other count; the estimates cost nothing more.
 */
export function estimateFigures(
  plan: ReleasePlan,
  event: EventSchema,
  totals: ReadonlyMap<string, CellTotal>,
  random: UniformSource,
): Figures {
  const estimated = estimatedField(plan, event);
  if (estimated === undefined) throw new Error("The plan estimates no field.");
  const { field, mechanism } = estimated;
  const noise = noiseOf(plan);
  const histogram = Array.from(
    { length: mechanism.reportCount },
    (_, index) =>
      (totals.get(String(mechanism.firstReport + index))?.events ?? 0) + Number(draw(noise, random)),
  );
  const estimates = estimateFrequencies(mechanism, histogram, CONFIDENCE, varianceOf(noise));
  const figures = estimates.map(({ count, interval }, index): Figure => ({
    cell: [valueAtIndex(field, index)],
    count: Math.round(count),
    lower: Math.max(0, Math.floor(interval.lower)),
    upper: Math.max(0, Math.ceil(interval.upper)),
  }));
  const reports = histogram.reduce((sum, count) => sum + count, 0);
  const shownFrom = estimatesShownFrom(plan.threshold, noise, { mechanism, reports });
  return { ...greatest(figures, shownFrom), reports };
}

function draw(noise: Noise, random: UniformSource): bigint {
  return noise.kind === "laplace"
    ? discreteLaplace(noise.scale, random)
    : discreteGaussian(noise.variance, random);
}

/** The variance of the noise, rounded up: the continuous distributions' is not below that of the discrete ones. */
export function varianceOf(noise: Noise): number {
  return noise.kind === "laplace" ? 2 * toNumber(noise.scale) ** 2 : toNumber(noise.variance);
}

/** Every combination of values, each field's absence included. */
function* declaredCells(fields: readonly FieldSchema[], prefix: readonly number[] = []): Generator<string> {
  const field = fields[prefix.length];
  if (field === undefined) {
    yield prefix.join();
    return;
  }
  for (let index = 0; index <= absentIndex(field); index++) yield* declaredCells(fields, [...prefix, index]);
}

/** The combinations that enough people have to be named. Their order must not tell who came first. */
function selectedCells(
  plan: ReleasePlan,
  totals: ReadonlyMap<string, CellTotal>,
  random: UniformSource,
): string[] {
  const selection = selectionOf(plan);
  return [...totals].filter(([, { people }]) => selection.keeps(people, random)).map(([cell]) => cell).sort();
}

function readCell(fields: readonly FieldSchema[], cell: string): CellValue[] {
  if (fields.length === 0) return [];
  return cell.split(",").map((index, position) => {
    const field = fields[position];
    if (field === undefined) throw new Error("A cell has more values than the plan has fields.");
    return Number(index) === absentIndex(field) ? null : valueAtIndex(field, Number(index));
  });
}

function greatest(figures: Figure[], least: number): Figures {
  figures.sort((a, b) =>
    sizeOf(b) - sizeOf(a) || JSON.stringify(a.cell).localeCompare(JSON.stringify(b.cell))
  );
  const kept = figures.slice(0, MAX_FIGURES);
  const published = kept.filter((figure) => sizeOf(figure) >= least);
  const last = published.at(-1);
  // Where the greatest alone are kept, what decides is not to be below the last of them.
  const shownFrom =
    last !== undefined && published.length < figures.length && published.length === MAX_FIGURES
      ? sizeOf(last)
      : least;
  return {
    figures: published.map((figure) => loweredNear(figure, shownFrom)),
    shownFrom,
    withheld: figures.length - published.length,
    hidden: kept.slice(published.length),
  };
}
