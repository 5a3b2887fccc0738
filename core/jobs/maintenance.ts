/**
 * The one background job: keys are made and ended, records are shuffled and leave at the end of their retention, what
 * has ended is swept. Idempotent; it runs at the start, from cron in every process, and may be killed at any moment.
 *
 * @module
 */
import { rememberFirstDay } from "./first_day.ts";
import { type SweepCount, sweepEndedKeys } from "./ended_keys.ts";
import { DEFAULT_PACE, type SweepPace } from "../store/sweep.ts";
import { sweepEndedSessions } from "../operations/sessions_ended.ts";
import { Refusal } from "../base/errors.ts";
import { dayOf } from "../base/time.ts";
import { resealKeys } from "../keys/resealing.ts";
import { type KeyMaintenance, maintainKeys, NOTHING_DONE } from "../keys/maintenance.ts";
import { sweepRiskDays } from "../privacy/risk/history.ts";
import { rememberTerms } from "../privacy/release/promises.ts";
import { sweepReleases } from "../privacy/release/release.ts";
import { type RetentionCount, retireRecords } from "./retention.ts";
import { hasKeys, type Server } from "../service.ts";
import { endRemoteKeys } from "../acs/remote/remote_keys.ts";
import { sweepCounters } from "../operations/counter_rows.ts";
import { type MoveCount, moveIntoSegments } from "../ledger/segments.ts";

/** What one run did. */
export interface MaintenanceReport extends KeyMaintenance {
  /** Records moved into shuffled segments. */
  readonly moved: MoveCount;
  /** Rows swept. */
  readonly swept: SweepCount;
  /** Records, and tallies, that were over their retention. */
  readonly retired: RetentionCount;
  /** Rows of risk sketches and alerts that were over. */
  readonly risksSwept: number;
  /** Rows of releases and budgets that were over. */
  readonly releasesSwept: number;
  /** Rows of counters that were over their retention. */
  readonly countersSwept: number;
}

/** Runs everything that is due, and leaves word of it in the server's health. */
export async function runMaintenance(
  server: Server,
  pace: SweepPace = DEFAULT_PACE,
): Promise<MaintenanceReport> {
  try {
    const report = await runDue(server, pace);
    await server.jobSuccesses.succeeded("maintenance");
    server.health.maintained({ endedAtSeconds: server.now() });
    return report;
  } catch (error) {
    server.health.maintained({ endedAtSeconds: server.now(), failure: failureOf(error) });
    throw error;
  }
}

/** Why a run failed: only what is known to hold no secret and nobody's name. */
export function failureOf(error: unknown): string {
  return error instanceof Refusal ? error.code : (error as Error)?.name ?? "unknown";
}

/** What is due on a log server: it holds no key, but numbers of keys, and secrets of its own. */
async function maintainRemoteKeys({ store, sealer, region, time }: Server): Promise<KeyMaintenance> {
  const keysEnded = await endRemoteKeys(store, region, time.confirmedSeconds());
  const { resealed, unreadable } = await resealKeys(store, sealer);
  return { ...NOTHING_DONE, keysEnded, keysResealed: resealed, keysUnreadable: unreadable };
}

async function runDue(server: Server, pace: SweepPace): Promise<MaintenanceReport> {
  const { store, deployment, now, time, random } = server;
  await time.refresh();
  /** Everything that is destroyed or ended goes by this; keys are made by the wall clock, whatever it says. */
  const confirmed = () => time.confirmedSeconds();
  const keys = hasKeys(server)
    ? await maintainKeys(server.rotation, deployment.applications.values(), now())
    : await maintainRemoteKeys(server);
  for (const app of deployment.applications.values()) {
    await rememberTerms(store, app, dayOf(confirmed()));
    await rememberFirstDay(store, app.id, dayOf(confirmed()));
  }
  const moved: MoveCount = { records: 0, segments: 0 };
  for (const app of deployment.applications.values()) {
    const { records, segments } = await moveIntoSegments(store, random, app.id, confirmed(), {
      // Most of a move is work outside of the store.
      pause: () => pace.pause(0),
    });
    moved.records += records;
    moved.segments += segments;
  }
  const swept = await sweepEndedKeys(store, confirmed(), pace);
  const retired: RetentionCount = { records: 0, tallies: 0 };
  for (const app of deployment.applications.values()) {
    const { records, tallies } = await retireRecords(store, app, confirmed(), pace);
    retired.records += records;
    retired.tallies += tallies;
  }
  await sweepEndedSessions(store, confirmed(), pace);
  const countersSwept = await sweepCounters(store, confirmed(), pace);
  const risksSwept = await server.risk.maintain(confirmed(), pace);
  let releasesSwept = 0;
  for (const app of deployment.applications.values()) {
    releasesSwept += await sweepReleases(store, app, confirmed(), pace);
    await sweepRiskDays(store, app.id, confirmed(), pace);
  }
  return { ...keys, moved, swept, retired, risksSwept, releasesSwept, countersSwept };
}
