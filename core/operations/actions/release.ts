/**
 * Answering the questions about a day because an operator asks for it.
 *
 * @module
 */
import type { ConfirmedTime } from "../../clock/confirmed_time.ts";
import { formatDay } from "../../base/time.ts";
import type { RandomSource } from "../../base/random.ts";
import { findApplication } from "../../config/find_application.ts";
import type { Deployment } from "../../config/types.ts";
import { type Outcome, releaseDay } from "../../privacy/release/release.ts";
import type { RiskMonitor } from "../../privacy/risk/monitor.ts";
import type { Store } from "../../store/store.ts";
import type { Actor, AuditLog } from "../audit_log.ts";

/** What releases, and the export of records, work with. */
export interface RecordHolder {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The store. */
  readonly store: Store;
  /** A cryptographic source. */
  readonly random: RandomSource;
  /** Says which events are withheld. */
  readonly risk: Pick<RiskMonitor, "withheldOf" | "withheldWithin">;
  /** Where actions are written down. */
  readonly auditLog: AuditLog;
}

/** What says which days are over. */
export interface Timed {
  /** A day that a leap of the clock has ended is not over. */
  readonly time: Pick<ConfirmedTime, "confirmedSeconds">;
}

/** What says which code makes releases. */
export interface Versioned {
  /** Its version. */
  readonly version: string;
}

/** What is released. */
export interface ReleaseOrder {
  /** The application's name. */
  readonly app: string;
  /** The day, in days since 1970. */
  readonly day: number;
  /** Whether it may be a day that is not over: what comes later will be in no release. */
  readonly early?: boolean | undefined;
}

/**
 * Answers all questions of an application about a day that are not answered yet.
 * @returns What became of each question, by its name.
 * @throws {Refusal} `app_unknown`.
 */
export async function release(
  { deployment, store, random, risk, auditLog, time, version }: RecordHolder & Timed & Versioned,
  actor: Actor,
  { app: id, day, early }: ReleaseOrder,
): Promise<Record<string, Outcome>> {
  const app = findApplication(deployment, id);
  const action = {
    action: `POST /admin/v1/apps/${id}/releases/${formatDay(day)}`,
    details: JSON.stringify({ early }),
  };
  const context = { store, random, withheldWithin: risk.withheldWithin.bind(risk), auditLog, version };
  const options = { day, nowSeconds: time.confirmedSeconds(), early: early ?? false };
  return await auditLog.record(actor, action, () => releaseDay(context, app, options));
}
