/**
 * Lifting what the risk monitor has stopped.
 *
 * @module
 */
import type { ConfirmedTime } from "../../clock/confirmed_time.ts";
import { Refusal } from "../../base/errors.ts";
import { findApplication } from "../../config/find_application.ts";
import type { Application, Deployment } from "../../config/types.ts";
import type { RiskMonitor } from "../../privacy/risk/monitor.ts";
import { ALL_EVENTS, riskName } from "../../privacy/risk/suppressions.ts";
import type { Actor, AuditLog } from "../audit_log.ts";

/** What a lifting works with. */
export interface LiftContext {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** What stops and lifts. */
  readonly risk: RiskMonitor;
  /** Where actions are written down. */
  readonly auditLog: AuditLog;
  /** Says which period runs: one that only a leap of the clock has begun is none. */
  readonly time: Pick<ConfirmedTime, "confirmedSeconds">;
}

/** What is lifted, and why. */
export interface LiftOrder {
  /** The application's name. */
  readonly app: string;
  /** The event's name; `ALL` for the stop of all events. */
  readonly event: string;
  /** The field's; undefined: the event's own stop. */
  readonly field?: string | undefined;
  /** Why. */
  readonly reason: string;
}

/**
 * Names alone that the schema has, or `ALL` for what pseudonyms say in total.
 * @throws {Refusal} `stop_unknown`.
 */
export function requireStoppable(app: Application, event: string, field: string | undefined): void {
  if (event === ALL_EVENTS && field === undefined) return;
  const schema = Object.hasOwn(app.events, event) ? app.events[event] : undefined;
  if (schema === undefined || (field !== undefined && !Object.hasOwn(schema.fields, field))) {
    throw new Refusal("stop_unknown", "The application has no such event or field.");
  }
}

/**
 * Lifts a stop up to the end of the running period of pseudonyms.
 * @returns The name of what is collected again: the event's, or `event.field`.
 * @throws {Refusal} `app_unknown`, `stop_unknown`.
 */
export async function lift(
  { deployment, risk, auditLog, time }: LiftContext,
  actor: Actor,
  { app: id, event, field, reason }: LiftOrder,
): Promise<{ lifted: string }> {
  const app = findApplication(deployment, id);
  requireStoppable(app, event, field);
  const action = {
    action: `POST /admin/v1/apps/${id}/risk/lift`,
    details: JSON.stringify({ event, field, reason }),
  };
  return await auditLog.record(actor, action, async () => {
    if (!await risk.lift({ app, event, field, reason }, time.confirmedSeconds())) {
      throw new Refusal("stop_unknown", "Nothing is stopped there.");
    }
    return { lifted: riskName(event, field) };
  });
}
