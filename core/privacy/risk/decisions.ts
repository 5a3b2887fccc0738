/**
 * From a verdict to what follows. The decision and the alert about it are one commit, so that of many processes that see
 * the same sketch one decides, and nothing is ever stopped without a record of the figures.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import { ALERTS, DECISIONS } from "./families.ts";
import type { Store } from "../../store/store.ts";
import { eventOf, type RiskAction } from "../../schema/event.ts";
import type { AlertRow } from "./alerts.ts";
import type { KHyperLogLog } from "../sketch/khll.ts";
import type { Dimension, Layout } from "./dimensions.ts";
import { type DecisionContext, newAlert, raise } from "./raise_alert.ts";
import { judge, type RiskFigures, type Thresholds, thresholdsOf, type Verdict } from "./judgement.ts";
import { isQuarantined, riskName, type RiskRow, type Risks } from "./suppressions.ts";

/** An event and what was measured of it. */
export interface JudgedEvent {
  /** Its application. */
  readonly app: Application;
  /** Its name. */
  readonly event: string;
  /** What is measured of it. */
  readonly layout: Layout;
  /** A sketch for each dimension. */
  readonly sketches: readonly KHyperLogLog[];
  /** Pseudonyms that sent it. */
  readonly pseudonyms: number;
}

/** A dimension, its thresholds, and what its sketch says. */
export interface Judgement {
  /** The dimension. */
  readonly dimension: Dimension;
  /** Its thresholds. */
  readonly thresholds: Thresholds;
  /** What its sketch says. */
  readonly verdict: Verdict;
  /** The figures. */
  readonly figures: RiskFigures;
}

/** Judges every dimension of an event. */
export function judgeEvent({ app, event, layout, sketches, pseudonyms }: JudgedEvent): Judgement[] {
  return layout.dimensions.map((dimension, index) => {
    const thresholds = thresholdsOf(app, eventOf(app, event), dimension);
    return { dimension, thresholds, ...judge(sketches[index]!, pseudonyms, thresholds) };
  });
}

/**
 * Decides what follows from the sketches of one event and enters it. A combination is not held against an event when a
 * field of it, or a smaller combination, explains it already. Gives the alerts that were raised here.
 */
export async function decide(
  store: Store,
  judged: JudgedEvent,
  { risks, ...context }: DecisionContext & { readonly risks: Risks },
): Promise<AlertRow[]> {
  const { app, event } = judged;
  const decided = risks.rows.get(event);
  if (decided?.state === "stopped" || isExempt(decided, context)) return [];
  const judgements = judgeEvent(judged);
  const raised: AlertRow[] = [];
  const explained: { fields: readonly string[]; verdict: Verdict }[] = [];
  for (const judgement of judgements) {
    const { dimension, verdict } = judgement;
    if (verdict !== "warn" && verdict !== "stop") continue;
    const isExplained = explained.some((smaller) =>
      smaller.fields.every((field) => dimension.fields.includes(field)) &&
      (smaller.verdict === "stop" || verdict === "warn")
    );
    if (isExplained) continue;
    explained.push({ fields: dimension.fields, verdict });
    if (dimension.fields.some((field) => isExempt(risks.rows.get(riskName(event, field)), context))) continue;
    const alert = await enter(store, judged, { judgement, judgements, context });
    if (alert !== undefined) raised.push(alert);
    if (alert?.action === "stop-event") return raised;
  }
  if (
    judgements.every(({ verdict }) => verdict === "passed" || verdict === "warn") &&
    isQuarantined(app, eventOf(app, event)) && !hasPassed(decided, judged.layout)
  ) {
    const alert = await enterPassing(store, judged, { judgements, decided, context });
    if (alert !== undefined) raised.push(alert);
  }
  return raised;
}

/** A person has lifted the stop for as long as this period lasts. */
function isExempt(row: RiskRow | null | undefined, { nowSeconds }: DecisionContext): boolean {
  return row?.state === "lifted" && nowSeconds < row.until;
}

function hasPassed(row: RiskRow | undefined, layout: Layout): boolean {
  return (row?.state === "passed" || row?.state === "lifted") && row.layout === layout.id;
}

async function enter(
  store: Store,
  judged: JudgedEvent,
  { judgement, judgements, context }: {
    readonly judgement: Judgement;
    readonly judgements: readonly Judgement[];
    readonly context: DecisionContext;
  },
): Promise<AlertRow | undefined> {
  const { app, event, layout } = judged;
  const { dimension, thresholds, verdict, figures } = judgement;
  const { action } = thresholds;
  const stops = verdict === "stop" && action !== "warn";
  const suppressed = stops && action === "suppress-field" ? widestField(dimension, judgements) : undefined;
  const alert: AlertRow = {
    ...newAlert(verdict === "stop" ? "stop" : "warn", judged, context),
    fields: dimension.fields,
    ...(verdict === "stop" ? { action } : {}),
    ...(suppressed === undefined ? {} : { suppressed }),
    figures,
  };
  // What people were only told of is told, and done, once more where the configuration now asks for another action.
  const subject = [context.period, event, layout.id, dimension.name, alert.kind];
  const key = ALERTS.key(app.id, ...subject, ...(alert.action === undefined ? [] : [alert.action]));
  const raised = await raise(store, { key, alert }, async () => {
    if (!stops) return () => {};
    const present = await store.get<RiskRow>(DECISIONS.key(app.id, event, suppressed ?? ""));
    if (present.value?.state === "stopped" || isExempt(present.value, context)) return undefined;
    const row: RiskRow = {
      state: STATES[action as Exclude<RiskAction, "warn">],
      since: context.nowSeconds,
      until: 0,
      layout: layout.id,
      figures,
    };
    return (commit) => commit.check(present).set(present.key, row);
  });
  return raised ? alert : undefined;
}

const STATES = {
  "suppress-field": "suppressed",
  "stop-event": "stopped",
  "quarantine": "quarantined",
} as const;

/** The field of a combination that takes most values: without it least is lost for what is gained. */
function widestField({ fields }: Dimension, judgements: readonly Judgement[]): string {
  const valuesOf = (field: string) =>
    judgements.find(({ dimension }) => dimension.name === field)?.figures.values ?? 0;
  return fields.reduce((widest, field) => valuesOf(field) > valuesOf(widest) ? field : widest);
}

async function enterPassing(
  store: Store,
  judged: JudgedEvent,
  { judgements, decided, context }: {
    readonly judgements: readonly Judgement[];
    readonly decided: RiskRow | undefined;
    readonly context: DecisionContext;
  },
): Promise<AlertRow | undefined> {
  const { app, event, layout } = judged;
  const record = judgements.at(-1);
  if (record === undefined) return undefined;
  const { figures } = record;
  const alert: AlertRow = { ...newAlert("passed", judged, context), figures };
  const key = ALERTS.key(app.id, context.period, event, layout.id, "", "passed");
  const row: RiskRow = { state: "passed", since: context.nowSeconds, until: 0, layout: layout.id, figures };
  const raised = await raise(store, { key, alert }, async () => {
    const present = await store.get<RiskRow>(DECISIONS.key(app.id, event, ""));
    // Somebody has decided meanwhile, and may have seen more.
    if (present.value?.state !== decided?.state || present.value?.since !== decided?.since) return undefined;
    return (commit) => commit.check(present).set(present.key, row);
  });
  return raised ? alert : undefined;
}
