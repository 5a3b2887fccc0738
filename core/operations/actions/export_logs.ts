/**
 * Handing out raw records: an action like a change.
 *
 * @module
 */
import { formatDay } from "../../base/time.ts";
import { findApplication } from "../../config/find_application.ts";
import type { Actor } from "../audit_log.ts";
import { exportDay } from "../export.ts";
import type { Store } from "../../store/store.ts";
import type { RecordHolder } from "./release.ts";

/** Where records are read. */
export interface Replicated {
  /** The store, or a replica of it that may lag behind. What is withheld the process knows, whatever a replica has. */
  readonly replica: Store;
}

/** Which records are exported. */
export interface ExportOrder {
  /** The application's name. */
  readonly app: string;
  /** The day, in days since 1970. */
  readonly day: number;
}

/**
 * Begins the export of a day's records but those that are withheld; it counts as done with its beginning.
 * @returns NDJSON in chunks. Reading them throws `DayChangedError` when records were moved or removed meanwhile.
 * @throws {Refusal} `app_unknown`.
 */
export async function exportLogs(
  { deployment, replica: store, random, risk, auditLog }: RecordHolder & Replicated,
  actor: Actor,
  { app: id, day }: ExportOrder,
): Promise<AsyncIterable<Uint8Array<ArrayBuffer>>> {
  const app = findApplication(deployment, id);
  const action = { action: `GET /admin/v1/apps/${id}/logs/${formatDay(day)}` };
  const withheld = risk.withheldOf(app.id);
  return await auditLog.record(
    actor,
    action,
    () => Promise.resolve(exportDay({ store, random }, { app: app.id, day, withheld })),
  );
}
