/**
 * The one background job: keys are made and ended, records are shuffled and leave at the end of their retention, what
 * has ended is swept. Idempotent; it runs at the start, from cron in every process, and may be killed at any moment.
 *
 * @module
 */
import { createMissingKeys, destroyOverKeys, resealKeys } from "./keys/rotation.ts";
import { type RetentionCount, retireRecords } from "./retention.ts";
import type { Service } from "./service.ts";
import { type MoveCount, moveIntoSegments } from "./store/segments.ts";
import { DEFAULT_PACE, type SweepCount, sweepDoomedKeys, type SweepPace } from "./store/sweep.ts";

/** What one run did. */
export interface MaintenanceReport {
  /** Keys made. */
  readonly keysMade: number;
  /** Keys ended. */
  readonly keysEnded: number;
  /** Keys sealed again under the newest sealing key. */
  readonly keysResealed: number;
  /** Records moved into shuffled segments. */
  readonly moved: MoveCount;
  /** Rows swept. */
  readonly swept: SweepCount;
  /** Records, and tallies, that were over their retention. */
  readonly retired: RetentionCount;
}

/** Runs everything that is due. */
export async function runMaintenance(
  service: Service,
  pace: SweepPace = DEFAULT_PACE,
): Promise<MaintenanceReport> {
  const { store, rotation, deployment, now, random } = service;
  let keysMade = 0;
  let keysEnded = 0;
  let keysResealed = 0;
  const moved: MoveCount = { records: 0, segments: 0 };
  for (const app of deployment.applications.values()) {
    keysMade += await createMissingKeys(rotation, app, now());
    keysEnded += await destroyOverKeys(store, app.id, rotation.region, now());
    keysResealed += await resealKeys(store, rotation.sealer, app.id, rotation.region);
    const { records, segments } = await moveIntoSegments(store, random, app.id, now(), { pause: pace.pause });
    moved.records += records;
    moved.segments += segments;
  }
  const swept = await sweepDoomedKeys(store, now(), pace);
  const retired: RetentionCount = { records: 0, tallies: 0 };
  for (const app of deployment.applications.values()) {
    const { records, tallies } = await retireRecords(store, app, now(), pace);
    retired.records += records;
    retired.tallies += tallies;
  }
  return { keysMade, keysEnded, keysResealed, moved, swept, retired };
}
