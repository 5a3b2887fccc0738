/**
 * What the privacy page shows, read from decisions, alerts and the figures that the risk monitor has entered. No sketch
 * and no record is read for it.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { type AlertRow, readAlerts } from "../../../core/privacy/risk/alerts.ts";
import { type BudgetState, readBudget } from "../../../core/privacy/release/budget.ts";
import { type MeasuredDimension, readRiskDays, type RiskDay } from "../../../core/privacy/risk/history.ts";
import { ALL_EVENTS, readRisks, type RiskRow } from "../../../core/privacy/risk/suppressions.ts";
import type { Server } from "../../../core/service.ts";
import { dayOf } from "../../../core/base/time.ts";

/** Days of history that the page shows. */
export const SHOWN_DAYS = 14;
const SHOWN_ALERTS = 50;

/** Something that is stopped, suppressed or withheld, or was and is lifted. */
export interface Decision {
  /** The event's name; `ALL` of the stop of all events. */
  readonly event: string;
  /** The field's; undefined: the event as a whole. */
  readonly field: string | undefined;
  /** What was decided; of a quarantine that nobody has decided on yet there is only its beginning. */
  readonly row: Pick<RiskRow, "state" | "reason" | "figures"> & Partial<Pick<RiskRow, "since" | "until">>;
}

/** An event and what was measured of it. */
export interface MeasuredEvent {
  /** Its name. */
  readonly event: string;
  /** The fields that are measured. */
  readonly fields: readonly string[];
  /** Those that are randomised on the device: they identify nobody. */
  readonly randomised: readonly string[];
  /** What was measured, day by day, oldest first. */
  readonly days: readonly RiskDay[];
}

/** Everything that the page shows. */
export interface PrivacyView {
  /** Whether anything can be measured: without a pseudonym it cannot. */
  readonly isMeasured: boolean;
  /** Unix seconds. */
  readonly now: number;
  /** What holds now, stops first. */
  readonly decisions: readonly Decision[];
  /** The events with what was measured of them, day by day, oldest first. */
  readonly events: readonly MeasuredEvent[];
  /** What pseudonyms said in total, day by day, oldest first. */
  readonly totals: readonly RiskDay[];
  /** Alerts, newest first. */
  readonly alerts: readonly AlertRow[];
  /** The budget of releases, where there are any. */
  readonly budget: BudgetState | undefined;
}

/** Reads what the page shows of an application. */
export async function readPrivacy(service: Server, app: Application): Promise<PrivacyView> {
  const now = service.now();
  const today = dayOf(now);
  const [risks, alerts, days, budget] = await Promise.all([
    readRisks(service.store, app),
    readAlerts(service.store, app.id),
    readRiskDays(service.replica, app.id, today - SHOWN_DAYS + 1, today),
    app.releases === undefined ? undefined : readBudget(service.store, app, today),
  ]);
  const byEvent = Map.groupBy(days, ({ event }) => event);
  return {
    isMeasured: app.pseudonymSeconds !== undefined,
    now,
    decisions: decisionsOf(app, risks.rows, service.risk.withheldOf(app.id)),
    events: Object.entries(app.events).map(([event, { fields }]) => {
      const names = Object.keys(fields);
      const randomised = names.filter((name) => fields[name]?.localDp !== undefined);
      const measured = names.filter((name) => !randomised.includes(name));
      return { event, fields: measured, randomised, days: byEvent.get(event) ?? [] };
    }),
    totals: byEvent.get(ALL_EVENTS) ?? [],
    alerts: alerts.slice(0, SHOWN_ALERTS),
    budget,
  };
}

function decisionsOf(
  app: Application,
  rows: ReadonlyMap<string, RiskRow>,
  withheld: ReadonlySet<string>,
): Decision[] {
  const decisions: Decision[] = [];
  for (const [name, row] of rows) {
    const [event, field] = name.split(".") as [string, string | undefined];
    if (row.state !== "passed" && (event === ALL_EVENTS || Object.hasOwn(app.events, event))) {
      decisions.push({ event, field, row });
    }
  }
  for (const event of withheld) {
    const isThere = decisions.some((decision) => decision.event === event && decision.field === undefined);
    if (!isThere) decisions.push({ event, field: undefined, row: { state: "quarantined" } });
  }
  return decisions.sort((a, b) => Number(!isInForce(a)) - Number(!isInForce(b)));
}

/** Whether a decision keeps something from being collected or given out. */
export function isInForce({ row: { state } }: Decision): boolean {
  return state === "stopped" || state === "suppressed" || state === "quarantined";
}

/** The measured dimension of these fields, in whatever order. */
export function dimensionOf(
  day: RiskDay | undefined,
  fields: readonly string[],
): MeasuredDimension | undefined {
  return day?.dimensions.find((dimension) =>
    dimension.fields.length === fields.length && fields.every((field) => dimension.fields.includes(field))
  );
}
