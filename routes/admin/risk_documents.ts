/**
 * Re-identification risk as people and programs read it.
 *
 * @module
 */
import type { Application } from "../../core/config/types.ts";
import { readAlerts } from "../../core/privacy/risk/alerts.ts";
import { type JudgedEvent, judgeEvent } from "../../core/privacy/risk/decisions.ts";
import { findJoins } from "../../core/privacy/risk/joins.ts";
import { ALL_EVENTS, readRisks } from "../../core/privacy/risk/suppressions.ts";
import type { JudgedTotals } from "../../core/privacy/risk/total_decision.ts";
import type { Server } from "../../core/service.ts";

/** Reads what is measured, decided and alerted of an application. */
export async function readRisk({ store, risk, now }: Server, app: Application) {
  const { rows } = await readRisks(store, app);
  const measured = await risk.measure(app.id, now());
  const totals = await risk.measureTotals(app.id, now());
  return {
    app: app.id,
    decisions: Object.fromEntries(rows),
    withheld: [...risk.withheldOf(app.id)],
    measured: [
      ...measured.flatMap((event) =>
        judgeEvent(event).map(({ dimension, thresholds, verdict, figures }) => ({
          event: event.event,
          fields: dimension.fields,
          verdict,
          figures,
          thresholds,
        }))
      ),
      ...(totals === undefined ? [] : [totalsDocument(totals)]),
    ],
    alerts: await readAlerts(store, app.id),
  };
}

function totalsDocument({ verdict, figures, thresholds }: JudgedTotals) {
  return { event: ALL_EVENTS, fields: [], verdict, figures, thresholds };
}

/** Reads which fields of these applications link records by their values. */
export async function readJoins({ risk, now }: Server, apps: readonly string[]) {
  const measured: JudgedEvent[] = [];
  for (const app of apps) measured.push(...await risk.measure(app, now()));
  return findJoins(measured);
}
