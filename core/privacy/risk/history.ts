/**
 * What the risk monitor measured of each event, a row a day: the latest figures of the day stay. They are what the
 * console shows, so that looking at risk reads no sketch. Nothing of a figure is about one value or one person.
 *
 * @module
 */
import { RISK_DAYS, riskDaysOf } from "./families.ts";
import type { Store } from "../../store/store.ts";
import type { SweepPace } from "../../store/sweep.ts";
import { dayOf } from "../../base/time.ts";
import { type JudgedEvent, judgeEvent } from "./decisions.ts";
import type { RiskFigures, Verdict } from "./judgement.ts";
import { ALL_EVENTS } from "./suppressions.ts";
import type { JudgedTotals } from "./total_decision.ts";

/** Days that the history is kept. */
export const RISK_HISTORY_DAYS = 90;

/** What was measured of one field, one pair, or the whole record. */
export interface MeasuredDimension {
  /** One field, two, or all of them; none: what pseudonyms say in total. */
  readonly fields: readonly string[];
  /** What it came to. */
  readonly verdict: Verdict;
  /** The figures. */
  readonly figures: RiskFigures;
  /** Pseudonyms from which on it is judged. */
  readonly minPseudonyms: number;
}

/** What was measured of an event on one day. */
export interface RiskDay {
  /** The event's name; `ALL` of what pseudonyms say in total. */
  readonly event: string;
  /** Days since 1970. */
  readonly day: number;
  /** Unix seconds of the measurement. */
  readonly at: number;
  /** Fields first, then pairs, then the whole record. */
  readonly dimensions: readonly MeasuredDimension[];
}

const VERDICTS: readonly Verdict[] = ["waiting", "passed", "warn", "stop"];

/** Fields stand once and are referred to by their index: a row of 32 fields still fits a value. */
interface RiskDayRow {
  readonly at: number;
  readonly fields: readonly string[];
  readonly dimensions: readonly DimensionRow[];
}

type DimensionRow = readonly [
  fieldIndexes: readonly number[],
  verdictIndex: number,
  minPseudonyms: number,
  pseudonyms: number,
  values: number,
  sampled: number,
  rare: number,
  share: number,
  lowerBound: number,
  exposed: number,
  // Rows of before have none: nothing is sure then.
  exposedLeast?: number,
];

/** Enters what was measured of an event just now. */
export async function enterRiskDay(store: Store, judged: JudgedEvent, nowSeconds: number): Promise<void> {
  const row: RiskDayRow = {
    at: nowSeconds,
    fields: judged.layout.fields,
    dimensions: judgeEvent(judged).map(({ dimension: { indexes }, verdict, thresholds, figures }) =>
      dimensionRow({ indexes, verdict, minPseudonyms: thresholds.minPseudonyms, figures })
    ),
  };
  await store.commit((commit) =>
    commit.set(RISK_DAYS.key(judged.app.id, dayOf(nowSeconds), judged.event), row)
  );
}

/** Enters what an application's pseudonyms said in total as of just now, as the one dimension of `ALL`. */
export async function enterTotalDay(
  store: Store,
  { app, thresholds, verdict, figures }: JudgedTotals,
  nowSeconds: number,
): Promise<void> {
  const dimension = dimensionRow({ indexes: [], verdict, minPseudonyms: thresholds.minPseudonyms, figures });
  const row: RiskDayRow = { at: nowSeconds, fields: [], dimensions: [dimension] };
  await store.commit((commit) => commit.set(RISK_DAYS.key(app.id, dayOf(nowSeconds), ALL_EVENTS), row));
}

function dimensionRow({ indexes, verdict, minPseudonyms, figures }: {
  readonly indexes: readonly number[];
  readonly verdict: Verdict;
  readonly minPseudonyms: number;
  readonly figures: RiskFigures;
}): DimensionRow {
  return [
    indexes,
    VERDICTS.indexOf(verdict),
    minPseudonyms,
    figures.pseudonyms,
    figures.values,
    figures.sampled,
    figures.rare,
    figures.share,
    figures.lowerBound,
    figures.exposed,
    figures.exposedLeast,
  ];
}

/** What was measured of an application on the days from..to, oldest first. */
export async function readRiskDays(
  store: Store,
  app: string,
  fromDay: number,
  toDay: number,
): Promise<RiskDay[]> {
  const days: RiskDay[] = [];
  for await (const { key, value } of store.list<RiskDayRow>(riskDaysOf(app, fromDay, toDay))) {
    const [, , day, event] = key as [string, string, number, string];
    const dimensions = value.dimensions.map((row) => readDimension(value.fields, row));
    days.push({ event, day, at: value.at, dimensions });
  }
  return days;
}

function readDimension(fields: readonly string[], row: DimensionRow): MeasuredDimension {
  const [indexes, verdict, minPseudonyms, pseudonyms, values, sampled, rare, share, lowerBound, ...people] =
    row;
  const [exposed, exposedLeast = 0] = people;
  return {
    fields: indexes.flatMap((index) => fields[index] ?? []),
    verdict: VERDICTS[verdict] ?? "waiting",
    minPseudonyms,
    figures: { pseudonyms, values, sampled, rare, share, lowerBound, exposed, exposedLeast },
  };
}

/** Removes the days of an application that are over their retention. Gives how many rows. */
export async function sweepRiskDays(
  store: Store,
  app: string,
  nowSeconds: number,
  pace: SweepPace,
): Promise<number> {
  const lastDay = dayOf(nowSeconds) - RISK_HISTORY_DAYS - 1;
  return await store.sweep(riskDaysOf(app, 0, lastDay), pace);
}
