/**
 * Ending what must not live again in a store that was put back from a backup (docs/operating.md).
 *
 * @module
 */
import { dayOf } from "../../base/time.ts";
import { type RenewedKeys, renewKeys } from "../../keys/after_restore.ts";
import type { ChainStretch } from "../../keys/key_chain.ts";
import { restartChain, takeUpChain } from "../../keys/restored_chain.ts";
import { releaseFrom } from "../../privacy/release/release_due.ts";
import type { Actor } from "../audit_log.ts";
import type { KeyHolder } from "./keys.ts";

/** How a restored store is mended. */
export interface MendOrder {
  /** No generation up to this one is left. */
  readonly throughGeneration: number;
  /** Whether the store holds keys: that of a log server does not. */
  readonly holdsKeys: boolean;
  /** The chains of keys as they were published last, by application; without one a chain starts anew. */
  readonly published?: ReadonlyMap<string, ChainStretch> | undefined;
}

/** What became of an application's keys. */
export interface MendedKeys extends RenewedKeys {
  /** Whether their chain goes on, so that clients with a pin accept it. */
  readonly chain: "goes on" | "starts anew";
}

/**
 * Ends every key that is alive, with a next generation in its place, and has no day before today released any more.
 * @returns What became of the keys of each application; none of a store without keys.
 */
export async function mendRestored(
  { rotation, deployment, auditLog, now }: KeyHolder,
  actor: Actor,
  { throughGeneration, holdsKeys, published }: MendOrder,
): Promise<ReadonlyMap<string, MendedKeys>> {
  return await auditLog.record(actor, { action: "restore the store from a backup" }, async () => {
    const renewed = new Map<string, MendedKeys>();
    for (const app of deployment.applications.values()) {
      // By the wall clock: the confirmed time is the backup's, and days since then may have been answered.
      await releaseFrom(rotation.store, app.id, dayOf(now()));
      if (!holdsKeys) continue;
      const stretch = published?.get(app.id);
      const goesOn = stretch !== undefined && await takeUpChain(rotation, app.id, stretch);
      if (!goesOn) await restartChain(rotation, app.id, now());
      const keys = await renewKeys(rotation, app, now(), throughGeneration);
      renewed.set(app.id, { ...keys, chain: goesOn ? "goes on" : "starts anew" });
    }
    return renewed;
  });
}
