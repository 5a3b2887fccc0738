/**
 * The rows of the risk monitor.
 *
 * @module
 */
import { type Family, family } from "../../store/families.ts";
import type { Key, KeyPart, Range } from "../../store/port.ts";

/** Chunks of risk sketches: core/privacy/sketch/khll_codec.ts. */
export const SKETCHES: Family<
  [
    app: string,
    period: number,
    event: string,
    layout: string,
    dimension: string,
    chunks: number,
    chunk: number,
  ]
> = family("r", "risk sketches");
/** Samples of what pseudonyms say in total: core/privacy/risk/total_store.ts. */
export const TOTALS: Family<[app: string, period: number, layout: string, chunk: number]> = family(
  "rt",
  "samples of totals",
);
/** What was measured of an event's risk on a day: RiskDayRow. */
export const RISK_DAYS: Family<[app: string, day: number, event: string]> = family(
  "rd",
  "days of risk figures",
);
/** What the risk monitor decided about an event, or about a field of it (empty: the event): RiskRow. */
export const DECISIONS: Family<[app: string, event: string, field: string]> = family(
  "x",
  "decisions about risk",
);
/** Alerts, by what they are about, so that the same one is raised once: AlertRow. */
export const ALERTS: Family<[app: string, ...subject: readonly KeyPart[]]> = family("z", "alerts");

/** Which risk sketch: one dimension of one layout of one event, in one pseudonym period. */
export interface SketchName {
  /** The application's id. */
  readonly app: string;
  /** The number of the pseudonym period. */
  readonly period: number;
  /** The event's name. */
  readonly event: string;
  /** The layout's id. */
  readonly layout: string;
  /** The dimension's name; empty for the sketch of all people. */
  readonly dimension: string;
}

/** Which sample of totals: of one layout of an application, in one pseudonym period. */
export interface TotalName {
  /** The application's id. */
  readonly app: string;
  /** The number of the pseudonym period. */
  readonly period: number;
  /** The layout's id. */
  readonly layout: string;
}

/** All rows of a sample of totals. */
export function totalsOf({ app, period, layout }: TotalName): Range {
  return TOTALS.prefix(app, period, layout);
}

/** The rows of an application's samples of totals of the periods before one. */
export function totalsBefore(app: string, period: number): Range {
  return TOTALS.range([app], [app, period]);
}

/** A chunk of a risk sketch. */
export function sketchKey(
  { app, period, event, layout, dimension }: SketchName,
  chunks: number,
  chunk: number,
): Key {
  return SKETCHES.key(app, period, event, layout, dimension, chunks, chunk);
}

/** All chunks of a risk sketch. */
export function sketchOf({ app, period, event, layout, dimension }: SketchName): Range {
  return SKETCHES.prefix(app, period, event, layout, dimension);
}

/** The chunks of an application's sketches of the periods before one. */
export function sketchesBefore(app: string, period: number): Range {
  return SKETCHES.range([app], [app, period]);
}

/** What was measured of an application on the days from..to, both included. */
export function riskDaysOf(app: string, from: number, to: number): Range {
  return RISK_DAYS.range([app, from], [app, to + 1]);
}
