/**
 * What follows from what pseudonyms say in total: a row and an alert in one commit, as of events, and a row of history.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import type { Store } from "../../store/store.ts";
import type { AlertRow } from "./alerts.ts";
import { ALERTS, DECISIONS } from "./families.ts";
import { type DecisionContext, newAlert, raise } from "./raise_alert.ts";
import { ALL_EVENTS, type RiskRow } from "./suppressions.ts";
import type { TotalJudgement } from "./total_judgement.ts";

/** Totals that were judged. */
export interface JudgedTotals extends TotalJudgement {
  /** Their application. */
  readonly app: Application;
  /** The id of what was collected. */
  readonly layout: string;
}

/** Decides what follows from the totals of an application and enters it. Gives the alert that was raised here. */
export async function decideTotals(
  store: Store,
  { app, layout, thresholds, verdict, figures }: JudgedTotals,
  context: DecisionContext,
): Promise<AlertRow | undefined> {
  if (verdict !== "warn" && verdict !== "stop") return undefined;
  const { action } = thresholds;
  const stops = verdict === "stop" && action === "stop-event";
  const decision = DECISIONS.key(app.id, ALL_EVENTS, "");
  const alert: AlertRow = {
    ...newAlert(verdict, { app, event: ALL_EVENTS }, context),
    ...(verdict === "stop" ? { action } : {}),
    figures,
  };
  const key = ALERTS.key(app.id, context.period, ALL_EVENTS, layout, verdict, action);
  const raised = await raise(store, { key, alert }, async () => {
    const present = await store.get<RiskRow>(decision);
    const isLifted = present.value?.state === "lifted" && context.nowSeconds < present.value.until;
    if (present.value?.state === "stopped" || isLifted) return undefined;
    if (!stops) return () => {};
    const row: RiskRow = { state: "stopped", since: context.nowSeconds, until: 0, layout, figures };
    return (commit) => commit.check(present).set(decision, row);
  });
  return raised ? alert : undefined;
}
