/**
 * Ending what must not live again in a store that was put back from a backup (docs/operating.md).
 *
 * @module
 */
import { dayOf } from "../../base/time.ts";
import { type RenewedKeys, renewKeys } from "../../keys/after_restore.ts";
import { releaseFrom } from "../../privacy/release/release_due.ts";
import type { Actor } from "../audit_log.ts";
import type { KeyHolder } from "./keys.ts";

/** How a restored store is mended. */
export interface MendOrder {
  /** No generation up to this one is left. */
  readonly throughGeneration: number;
  /** Whether the store holds keys: that of a log server does not. */
  readonly holdsKeys: boolean;
}

/**
 * Ends every key that is alive, with a next generation in its place, and has no day before today released any more.
 * @returns What became of the keys of each application; none of a store without keys.
 */
export async function mendRestored(
  { rotation, deployment, auditLog, now }: KeyHolder,
  actor: Actor,
  { throughGeneration, holdsKeys }: MendOrder,
): Promise<ReadonlyMap<string, RenewedKeys>> {
  return await auditLog.record(actor, { action: "restore the store from a backup" }, async () => {
    const renewed = new Map<string, RenewedKeys>();
    for (const app of deployment.applications.values()) {
      // By the wall clock: the confirmed time is the backup's, and days since then may have been answered.
      await releaseFrom(rotation.store, app.id, dayOf(now()));
      if (holdsKeys) renewed.set(app.id, await renewKeys(rotation, app, now(), throughGeneration));
    }
    return renewed;
  });
}
