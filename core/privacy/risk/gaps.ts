/**
 * When something was not collected: from the alerts of stops and of their lifting, since a decision's row says only what
 * holds now. A count of a time in which an event or a field was stopped would be one of whoever came before or after.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import type { Store } from "../../store/store.ts";
import { type AlertRow, readAlerts } from "./alerts.ts";
import { ALL_EVENTS, readRisks, riskName } from "./suppressions.ts";

/** Seconds after a lifting in which clients may still go by a schema that they hold, or hold such events back. */
const LINGERS_SECONDS = 3_600;

/** A time, Unix seconds. */
export interface Timespan {
  /** Its first second. */
  readonly fromSeconds: number;
  /** The first second after it. */
  readonly untilSeconds: number;
}

/** The events by name, and the fields as `event.field`, that were stopped at some moment of a time. */
export async function stoppedWithin(
  store: Store,
  app: Pick<Application, "id" | "events">,
  { fromSeconds, untilSeconds }: Timespan,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const alerts = (await readAlerts(store, app.id)).toReversed();
  const ends = alerts.flatMap((alert) =>
    alert.kind === "lifted" ? [[liftedBy(alert), alert.at] as const] : []
  );
  const starts = alerts.flatMap((alert) => {
    const name = stoppedBy(alert);
    return name === undefined ? [] : [[name, alert.at] as const];
  });
  for (const [name, at] of starts) {
    const lifted = ends.find(([ended, end]) => ended === name && end >= at)?.[1] ?? Infinity;
    if (at < untilSeconds && lifted + LINGERS_SECONDS > fromSeconds) names.add(name);
  }
  // What is stopped now, should its alert be gone by now.
  const told = new Set(starts.map(([name]) => name));
  for (const [name, row] of (await readRisks(store, app)).rows) {
    const isStopped = row.state === "suppressed" || row.state === "stopped";
    if (isStopped && !told.has(name) && row.since < untilSeconds) names.add(name);
  }
  if (names.delete(ALL_EVENTS)) { for (const name of Object.keys(app.events)) names.add(name); }
  return names;
}

function stoppedBy({ kind, action, event, suppressed }: AlertRow): string | undefined {
  if (kind !== "stop") return undefined;
  if (action === "stop-event") return event;
  return suppressed === undefined ? undefined : riskName(event, suppressed);
}

function liftedBy({ event, fields: [field] }: AlertRow): string {
  return riskName(event, field);
}
