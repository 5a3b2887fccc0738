/**
 * From a verdict to what follows. The decision and the alert about it are one commit, so that of many processes that see
 * the same sketch one decides, and nothing is ever stopped without a record of the figures.
 *
 * @module
 */
import { toBase64url } from "../../base/bytes.ts";
import type { Application } from "../../config/types.ts";
import { ALERTS, DECISIONS } from "./families.ts";
import type { Commit } from "../../store/commit.ts";
import type { Key } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import type { RiskAction } from "../../schema/event.ts";
import type { RandomSource } from "../../base/random.ts";
import { type AlertKind, type AlertRow, firstDelivery } from "./alerts.ts";
import type { KHyperLogLog } from "../sketch/khll.ts";
import type { Dimension, Layout } from "./dimensions.ts";
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

/** When a decision is made. */
export interface DecisionContext {
  /** The pseudonym period of the sketches. */
  readonly period: number;
  /** Its end, Unix seconds. */
  readonly periodEnd: number;
  /** Whether alerts go to a webhook. */
  readonly hasWebhook: boolean;
  /** Unix seconds. */
  readonly nowSeconds: number;
  /** Names alerts. */
  readonly random: RandomSource;
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
    const thresholds = thresholdsOf(app, app.events[event]!, dimension);
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
  risks: Risks,
  context: DecisionContext,
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
    const alert = await enter(store, judged, judgement, judgements, context);
    if (alert !== undefined) raised.push(alert);
    if (alert?.action === "stop-event") return raised;
  }
  if (
    judgements.every(({ verdict }) => verdict === "passed" || verdict === "warn") &&
    isQuarantined(app, app.events[event]!) && !hasPassed(decided, judged.layout)
  ) {
    const alert = await enterPassing(store, judged, judgements, decided, context);
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
  { dimension, thresholds, verdict, figures }: Judgement,
  judgements: readonly Judgement[],
  context: DecisionContext,
): Promise<AlertRow | undefined> {
  const { app, event, layout } = judged;
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
  const raised = await raise(store, key, alert, async () => {
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

function newAlert(
  kind: AlertKind,
  { app, event }: Pick<JudgedEvent, "app" | "event">,
  { nowSeconds, hasWebhook, random }: DecisionContext,
): AlertRow {
  return {
    id: toBase64url(random(12)),
    kind,
    app: app.id,
    event,
    fields: [],
    at: nowSeconds,
    delivery: firstDelivery(hasWebhook, nowSeconds),
  };
}

/**
 * Writes an alert that is not there yet, and the decision that belongs to it. `decide` reads what is decided already and
 * gives what to write under a check of it, or undefined when that holds. Gives whether it was this one that got there.
 */
async function raise(
  store: Store,
  key: Key,
  alert: AlertRow,
  decide: () => Promise<((commit: Commit) => void) | undefined>,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const enterDecision = await decide();
    if (enterDecision === undefined) return false;
    const done = await store.commit((commit) => {
      enterDecision(commit.check({ key, stamp: null }).set(key, alert));
    });
    if (done !== undefined) return true;
    // A write that the store's client sent twice finds itself there and says no.
    const present = (await store.get<AlertRow>(key)).value;
    if (present !== null) return present.id === alert.id;
  }
  return false;
}

/** A commit that fails though no alert is there met another decision; the one after it sees what holds. */
const MAX_TRIES = 3;

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
  judgements: readonly Judgement[],
  decided: RiskRow | undefined,
  context: DecisionContext,
): Promise<AlertRow | undefined> {
  const { app, event, layout } = judged;
  const { figures } = judgements.at(-1)!;
  const alert: AlertRow = { ...newAlert("passed", judged, context), figures };
  const key = ALERTS.key(app.id, context.period, event, layout.id, "", "passed");
  const row: RiskRow = { state: "passed", since: context.nowSeconds, until: 0, layout: layout.id, figures };
  const raised = await raise(store, key, alert, async () => {
    const present = await store.get<RiskRow>(DECISIONS.key(app.id, event, ""));
    // Somebody has decided meanwhile, and may have seen more.
    if (present.value?.state !== decided?.state || present.value?.since !== decided?.since) return undefined;
    return (commit) => commit.check(present).set(present.key, row);
  });
  return raised ? alert : undefined;
}

/** What a person takes back. */
export interface Lifting {
  /** The application. */
  readonly app: Application;
  /** The event's name. */
  readonly event: string;
  /** The field's; undefined: the event's own stop. */
  readonly field: string | undefined;
  /** Why, for the record. */
  readonly reason: string;
}

/**
 * Lifts a stop up to the end of the running period, when what is collected then is judged anew. Gives false when nothing
 * is stopped there.
 */
export async function lift(
  store: Store,
  { app, event, field, reason }: Lifting,
  layout: Layout | undefined,
  context: DecisionContext,
): Promise<boolean> {
  const { period, periodEnd, nowSeconds } = context;
  const row = await store.get<RiskRow>(DECISIONS.key(app.id, event, field ?? ""));
  const isStopped = row.value !== null && row.value.state !== "lifted" && row.value.state !== "passed";
  // An event that waits in quarantine has no row yet, or one of fields that it no longer has.
  const isWaiting = field === undefined && isQuarantined(app, app.events[event]!) &&
    row.value?.layout !== layout?.id;
  if (!isStopped && !isWaiting) return false;
  const lifted: RiskRow = {
    state: "lifted",
    since: nowSeconds,
    until: periodEnd,
    layout: layout?.id ?? "",
    reason,
  };
  const fields = field === undefined ? [] : [field];
  const alert: AlertRow = { ...newAlert("lifted", { app, event }, context), fields, reason };
  const key = ALERTS.key(app.id, period, event, field ?? "", "lifted", alert.id);
  return await raise(
    store,
    key,
    alert,
    () => Promise.resolve((commit) => commit.check(row).set(row.key, lifted)),
  );
}
