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
import { estimateFrequencies } from "../dp/local_dp_estimate.ts";
import { discreteGaussian, discreteLaplace } from "../dp/noise.ts";
import { gaussianHalfWidth, laplaceHalfWidth } from "../dp/noise_interval.ts";
import { toNumber } from "../dp/rational.ts";
import { estimatedField, type Noise, noiseOf, type ReleasePlan, selectionOf } from "./plan.ts";
import type { UniformSource } from "../../base/uniform.ts";

/** Confidence of all intervals. */
export const CONFIDENCE = 0.95;
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
  /** With 95 % confidence, what was counted after bounding is not below. */
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
  /** How many were left out because they are below the threshold or beyond the greatest 8,192. */
  readonly withheld: number;
  /** Those of them that are below the threshold, noised like the others: sums would be wrong without them. */
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
  return greatest(figures, plan);
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
  return { ...greatest(figures, plan), reports };
}

/** How far a figure can be off by its noise, with 95 % confidence or another. */
export function halfWidth(noise: Noise, confidence = CONFIDENCE): number {
  return noise.kind === "laplace"
    ? laplaceHalfWidth(noise.scale, confidence)
    : gaussianHalfWidth(noise.variance, confidence);
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

/** The people of a figure: those among whom a rate's are, who have to be enough that it says anything. */
export function sizeOf({ count, among }: Figure): number {
  return among ?? count;
}

function greatest(figures: Figure[], { threshold }: ReleasePlan): Figures {
  figures.sort((a, b) =>
    sizeOf(b) - sizeOf(a) || JSON.stringify(a.cell).localeCompare(JSON.stringify(b.cell))
  );
  const kept = figures.slice(0, MAX_FIGURES);
  const published = kept.filter((figure) => sizeOf(figure) >= threshold);
  return {
    figures: published,
    withheld: figures.length - published.length,
    hidden: kept.filter((figure) => sizeOf(figure) < threshold),
  };
}
