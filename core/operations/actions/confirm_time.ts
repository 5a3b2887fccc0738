/**
 * Saying that the clock is right, so that what waits for it ends (core/clock).
 *
 * @module
 */
import type { ConfirmedTime } from "../../clock/confirmed_time.ts";
import type { Actor, AuditLog } from "../audit_log.ts";

/** What has a clock: a running service, or a store without one. */
export interface TimeHolder {
  /** What of the wall clock may be believed. */
  readonly time: Pick<ConfirmedTime, "confirm">;
  /** Where actions are written down. */
  readonly auditLog: AuditLog;
}

/** What time an operator says it is. */
export interface TimeOrder {
  /** Unix seconds by the operator's own clock. */
  readonly seconds: number;
  /** Why, for the audit log. */
  readonly reason?: string | undefined;
}

/**
 * Confirms the time of the wall clock, for every process of the store that agrees.
 * @returns The time that was confirmed, Unix seconds.
 * @throws {Refusal} `time_disputed` when the wall clock differs from the operator's by more than five minutes.
 */
export async function confirmTime(
  { time, auditLog }: TimeHolder,
  actor: Actor,
  { seconds, reason }: TimeOrder,
): Promise<{ confirmed: number }> {
  const action = { action: "POST /admin/v1/time/confirm", details: JSON.stringify({ seconds, reason }) };
  return await auditLog.record(
    actor,
    action,
    async () => ({ confirmed: (await time.confirm(seconds)).seconds }),
  );
}
