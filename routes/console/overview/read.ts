/**
 * What an operator wants to see of the counters at a glance: how much arrived, how much was refused, and why.
 *
 * @module
 */
import {
  type AppCounts,
  type Counts,
  LIVE_MINUTES,
  sumCounts,
  sumOf,
} from "../../../core/operations/counters.ts";
import { type MetricKey, parseSeries } from "../../../core/operations/metrics.ts";
import type { Share } from "../frame/parts.tsx";

/** Hours of the traffic's history. */
export const HISTORY_HOURS = 7 * 24;
const DAY_HOURS = 24;

/** Outcomes of a log that are no refusal. */
const TAKEN = new Set(["accepted", "replayed"]);
/** Routes whose refusals concern clients or other servers; the rest is for operators, or was made up. */
const COUNTED_ROUTES = ["logs", "tokens", "acs"];

/** How much of everything. */
export interface Sums {
  /** Tokens that were signed. */
  readonly tokens: number;
  /** Logs that were accepted for the first time. */
  readonly accepted: number;
  /** Logs that had been accepted before and were recognised. */
  readonly replayed: number;
  /** Logs that were refused. */
  readonly refused: number;
  /** Events of accepted logs. */
  readonly events: number;
}

/** One reason of refusals. */
export interface RefusalCount {
  /** The application; empty where the request named none that exists. */
  readonly app: string;
  /** `logs`, `tokens`, `acs`, or `events` for events of logs that were accepted. */
  readonly route: string;
  /** The code. */
  readonly code: string;
  /** Since the hour began. */
  readonly thisHour: number;
  /** In the last 24 hours, the current one included. */
  readonly day: number;
}

/** The sums of an hour or a minute, by its start. */
export interface Window extends Sums {
  /** Unix seconds. */
  readonly startsAtSeconds: number;
}

/** The whole view. */
export interface Overview {
  /** Since the hour began. */
  readonly thisHour: Sums;
  /** In the last 24 hours, the current one included. */
  readonly day: Sums;
  /** Reasons of refusals in the last 24 hours, most frequent first. */
  readonly refusals: readonly RefusalCount[];
  /** Sums of the last 24 hours by application. */
  readonly apps: readonly (Sums & { readonly app: string })[];
  /** The last {@linkcode HISTORY_HOURS} hours, oldest first, without gaps. */
  readonly hours: readonly Window[];
  /** Logs by the number of the use that they claimed, in the last 24 hours. */
  readonly uses: readonly Share[];
  /** Commits by how many claims they had, in the last 24 hours. */
  readonly groups: readonly Share[];
  /** Answers to logs by duration, in the last 24 hours. */
  readonly durations: readonly Share[];
}

/** Makes the view from the hours of all processes, those from `hour - HISTORY_HOURS + 1` on. */
export function makeOverview(
  hours: ReadonlyMap<number, AppCounts>,
  apps: Iterable<string>,
  nowSeconds: number,
): Overview {
  const hour = Math.floor(nowSeconds / 3_600);
  const current: AppCounts = hours.get(hour) ?? new Map();
  const dayByApp = sumCounts(
    [...hours].filter(([number]) => number > hour - DAY_HOURS).map(([, all]) => all),
  );
  const day = flatten(dayByApp);
  return {
    thisHour: sums(flatten(current)),
    day: sums(day),
    refusals: [...dayByApp].flatMap(([app, counts]) => refusals(app, current.get(app), counts))
      .sort((a, b) => b.day - a.day || (a.code < b.code ? -1 : 1)),
    apps: [...apps].map((app) => ({ app, ...sums(dayByApp.get(app)) })),
    hours: windows(hours, hour - HISTORY_HOURS + 1, hour, 3_600),
    uses: shares(day, "uses", ({ values }) => values[0]),
    groups: shares(day, "commits", ({ values }) => values[1] === "ok" ? values[0] : undefined),
    durations: shares(day, "durations", ({ values }) => values[0] === "logs" ? values[1] : undefined),
  };
}

/** The last {@linkcode LIVE_MINUTES} minutes of one process, oldest first, without gaps. */
export function liveWindows(minutes: ReadonlyMap<number, AppCounts>, nowSeconds: number): Window[] {
  const minute = Math.floor(nowSeconds / 60);
  return windows(minutes, minute - LIVE_MINUTES + 1, minute, 60);
}

function windows(
  counts: ReadonlyMap<number, AppCounts>,
  from: number,
  to: number,
  seconds: number,
): Window[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const all = counts.get(from + index);
    return {
      startsAtSeconds: (from + index) * seconds,
      ...sums(all === undefined ? undefined : flatten(all)),
    };
  });
}

function flatten(counts: AppCounts): Counts {
  return sumCounts(counts.values().map((series) => new Map([["", series]]))).get("") ?? new Map();
}

function sums(counts: Counts | undefined): Sums {
  const logs = sumOf(counts, "requests", "logs");
  const accepted = sumOf(counts, "requests", "logs", "accepted");
  const replayed = sumOf(counts, "requests", "logs", "replayed");
  return {
    tokens: sumOf(counts, "tokens"),
    accepted,
    replayed,
    refused: logs - accepted - replayed,
    events: sumOf(counts, "events", "accepted"),
  };
}

function refusals(app: string, current: Counts | undefined, day: Counts): RefusalCount[] {
  const found: RefusalCount[] = [];
  for (const [series, count] of day) {
    const { metric, values: [first = "", code = ""] } = parseSeries(series);
    const thisHour = current?.get(series) ?? 0;
    if (metric === "events" && first !== "accepted") {
      found.push({ app, route: "events", code: first, thisHour, day: count });
    }
    const route = first;
    if (metric !== "requests" || !COUNTED_ROUTES.includes(route)) continue;
    if (code !== "ok" && !TAKEN.has(code)) found.push({ app, route, code, thisHour, day: count });
  }
  return found;
}

function shares(
  counts: Counts,
  metric: MetricKey,
  labelOf: (series: ReturnType<typeof parseSeries>) => string | undefined,
): Share[] {
  const found = new Map<string, number>();
  for (const [series, count] of counts) {
    const parsed = parseSeries(series);
    const label = parsed.metric === metric ? labelOf(parsed) : undefined;
    if (label !== undefined) found.set(label, (found.get(label) ?? 0) + count);
  }
  return [...found].sort(([a], [b]) => rank(a) - rank(b));
}

/** Buckets in the order of what they hold: `2`, `3-4`, `<10ms`, `>=1s`. */
function rank(label: string): number {
  const number = Number(/[0-9]+/.exec(label)?.[0] ?? 0) * (/[0-9]s$/.test(label) ? 1_000 : 1);
  return label.startsWith(">") ? number + 0.5 : number;
}
