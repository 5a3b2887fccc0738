/**
 * A person takes a decision of the risk monitor back.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import { eventOf } from "../../schema/event.ts";
import type { Store } from "../../store/store.ts";
import type { AlertRow } from "./alerts.ts";
import type { Layout } from "./dimensions.ts";
import { ALERTS, DECISIONS } from "./families.ts";
import { type DecisionContext, newAlert, raise } from "./raise_alert.ts";
import { ALL_EVENTS, isQuarantined, type RiskRow } from "./suppressions.ts";

/** What a person takes back. */
export interface Lifting {
  /** The application. */
  readonly app: Application;
  /** The event's name, or `ALL`. */
  readonly event: string;
  /** The field's; undefined: the event's own stop. */
  readonly field: string | undefined;
  /** Why, for the record. */
  readonly reason: string;
}

/**
 * Lifts a stop up to the end of the running period, when what is collected then is judged anew. Gives false when nothing
 * is stopped there. What was lifted for this period with these words is lifted: a repeated call writes nothing.
 */
export async function lift(
  store: Store,
  { app, event, field, reason, layout }: Lifting & { readonly layout: Pick<Layout, "id"> | undefined },
  context: DecisionContext,
): Promise<boolean> {
  const { period, periodEnd, nowSeconds } = context;
  const row = await store.get<RiskRow>(DECISIONS.key(app.id, event, field ?? ""));
  if (row.value?.state === "lifted" && row.value.until === periodEnd && row.value.reason === reason) {
    return true;
  }
  const isStopped = row.value !== null && row.value.state !== "lifted" && row.value.state !== "passed";
  // An event that waits in quarantine has no row yet, or one of fields that it no longer has.
  const isWaiting = field === undefined && event !== ALL_EVENTS && isQuarantined(app, eventOf(app, event)) &&
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
    { key, alert },
    () => Promise.resolve((commit) => commit.check(row).set(row.key, lifted)),
  );
}
