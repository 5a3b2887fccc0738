/**
 * What the releases page shows: each question with its answers over the days, ready to be plotted. Only what is
 * published is read, never a record.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { type BudgetState, readBudget } from "../../../core/privacy/release/budget.ts";
import { rateOf } from "../../../core/privacy/release/derived.ts";
import type { Figure as ReleasedFigure } from "../../../core/privacy/release/figures.ts";
import { readReleases, type Release } from "../../../core/privacy/release/rows.ts";
import type { Server } from "../../../core/service.ts";
import { dayOf } from "../../../core/base/time.ts";
import type { Figure, SeriesColor, SeriesKind } from "../frame/parts.tsx";

/** Days that the page shows. */
export const RELEASE_DAYS = 31;
/** Days that a plot has at least, so that the first answer does not stand alone. */
const PLOTTED_DAYS = 7;
/** Of the cells that are plotted: more lines nobody can tell apart. */
const COLORS: readonly SeriesColor[] = ["c1", "c2", "c3", "c4", "c5"];

/** One question and its answers. */
export interface QuestionView {
  /** Its name. */
  readonly query: string;
  /** Oldest first. */
  readonly releases: readonly Release[];
  /** The greatest cells over the days, with their intervals. */
  readonly figure: Figure | undefined;
}

/** Everything that the page shows. */
export interface ReleasesView {
  /** Whether the application asks anything. */
  readonly isConfigured: boolean;
  /** The questions in the order of the configuration, then those that are asked no more. */
  readonly questions: readonly QuestionView[];
  /** The budget of the running period. */
  readonly budget: BudgetState | undefined;
}

/** Reads what the page shows of an application. */
export async function readReleasesView(service: Server, app: Application): Promise<ReleasesView> {
  const today = dayOf(service.now());
  const [releases, budget] = await Promise.all([
    readReleases(service.store, app.id, today - RELEASE_DAYS, today),
    app.releases === undefined ? undefined : readBudget(service.store, app, today),
  ]);
  const byQuery = Map.groupBy(releases, ({ query }) => query);
  const names = new Set([...Object.keys(app.releases?.queries ?? {}), ...byQuery.keys()]);
  return {
    isConfigured: app.releases !== undefined,
    questions: [...names].map((query) => {
      const answers = byQuery.get(query) ?? [];
      return { query, releases: answers, figure: figureOf(answers) };
    }),
    budget,
  };
}

/** A cell in words. */
export function cellName(cell: ReleasedFigure["cell"]): string {
  return cell.length === 0 ? "all" : cell.map((value) => value === null ? "none" : String(value)).join(", ");
}

/** What a plot shows of a figure: its count, or its rate in percent. */
function pointOf(figure: ReleasedFigure, { noise, method }: Release) {
  const rate = rateOf(figure, noise, method?.["shown-from"]);
  if (rate === undefined) return { lower: figure.lower, middle: figure.count, upper: figure.upper };
  const percent = (share: number | undefined) =>
    share === undefined ? null : Math.round(share * 10_000) / 100;
  return { lower: percent(rate.lower), middle: percent(rate.share), upper: percent(rate.upper) };
}

/** The cells that are greatest in the latest answer, each as a line between its interval's ends. */
function figureOf(releases: readonly Release[]): Figure | undefined {
  const [earliest, latest] = [releases.at(0), releases.at(-1)];
  if (earliest === undefined || latest === undefined) return undefined;
  const shown = latest.figures.slice(0, COLORS.length).map(({ cell }) => cellName(cell));
  if (shown.length === 0) return undefined;
  const byDay = new Map(releases.map((release) => [
    release.day,
    new Map(release.figures.map((figure) => [cellName(figure.cell), pointOf(figure, release)])),
  ]));
  const first = Math.min(earliest.day, latest.day - PLOTTED_DAYS + 1);
  const days = Array.from({ length: latest.day - first + 1 }, (_, index) => first + index);
  const series: [string, SeriesColor, SeriesKind][] = [];
  const values: (number | null)[][] = [];
  for (const [index, color] of COLORS.entries()) {
    const name = shown[index];
    if (name === undefined) break;
    const points = days.map((day) => byDay.get(day)?.get(name));
    const label = latest.plan.among === undefined ? name : `${name}, %`;
    series.push([`${label}, at least`, color, "low"], [`${label}, at most`, color, "high"], [
      label,
      color,
      "points",
    ]);
    values.push(
      points.map((point) => point?.lower ?? null),
      points.map((point) => point?.upper ?? null),
      points.map((point) => point?.middle ?? null),
    );
  }
  return { times: days.map((day) => day * 86_400), series, values };
}
