/**
 * What operators do to keys, the same through the running service and on a store that no service uses. Each action may
 * be repeated when its answer was lost.
 *
 * @module
 */
import { findApplication } from "../../config/find_application.ts";
import type { Deployment } from "../../config/types.ts";
import type { KeyName } from "../../keys/key_row.ts";
import {
  replaceGoneKeys,
  replaceIssuingKey,
  type Revocation,
  revokeKeys,
  type WantedKey,
} from "../../keys/replacement.ts";
import { type Resealing, resealKeys } from "../../keys/resealing.ts";
import type { RotationContext } from "../../keys/rotation.ts";
import type { Actor, AuditLog } from "../audit_log.ts";
import { detailsOf } from "./details.ts";

/** What holds keys: a running service, or a store without one. */
export interface KeyHolder {
  /** What rotation works with. */
  readonly rotation: RotationContext;
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** Where actions are written down. */
  readonly auditLog: AuditLog;
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** The keys that the process holds in memory, where it holds any: they are read again after an action. */
  readonly ringOf?: (app: string) => { forget(): void };
}

/** Whose key is rotated. */
export interface Rotation {
  /** The application's name. */
  readonly app: string;
  /** The key that is to be made, so that a repeated call makes no other; the next one where it is absent. */
  readonly key?: WantedKey | undefined;
  /** Why, for the audit log. */
  readonly reason?: string | undefined;
}

/**
 * Starts the next generation of the current epoch; the key before it goes on redeeming.
 * @throws {Refusal} `app_unknown`, `replacement_refused`.
 */
export async function rotate(
  holder: KeyHolder,
  actor: Actor,
  { app: id, key, reason }: Rotation,
): Promise<{ made: KeyName }> {
  const app = findApplication(holder.deployment, id);
  const details = key === undefined ? detailsOf(reason) : JSON.stringify({ ...key, reason });
  const action = { action: `POST /admin/v1/apps/${id}/keys/rotate`, details };
  return await holder.auditLog.record(actor, action, async () => {
    const made = await replaceIssuingKey(holder.rotation, app, holder.now(), key);
    holder.ringOf?.(id).forget();
    return { made };
  });
}

/** Which keys are revoked. */
export interface RevocationOrder {
  /** The application's name. */
  readonly app: string;
  /** The epoch's number. */
  readonly epoch: number;
  /** The last generation of it that ends. */
  readonly throughGeneration: number;
  /** Why, for the audit log. */
  readonly reason?: string | undefined;
}

/**
 * Revokes an epoch's keys up to a generation; while the epoch issues, the next generation takes over.
 * @throws {Refusal} `app_unknown`, `epoch_unknown`, `generation_unknown`.
 */
export async function revoke(
  holder: KeyHolder,
  actor: Actor,
  { app: id, epoch, throughGeneration, reason }: RevocationOrder,
): Promise<Revocation> {
  const app = findApplication(holder.deployment, id);
  const action = {
    action: `POST /admin/v1/apps/${id}/keys/revoke`,
    details: JSON.stringify({ epoch, "through-generation": throughGeneration, reason }),
  };
  return await holder.auditLog.record(actor, action, async () => {
    const revocation = await revokeKeys(holder.rotation, app, epoch, throughGeneration, holder.now());
    holder.ringOf?.(id).forget();
    return revocation;
  });
}

/** Whose keys are replaced where they are gone. */
export interface ReplacementOrder {
  /** The application's name. */
  readonly app: string;
  /** No generation below this one is made: for keys that a program before this one destroyed. */
  readonly leastGeneration?: number | undefined;
  /** Why, for the audit log. */
  readonly reason?: string | undefined;
}

/**
 * Makes keys for the epochs that lost theirs to a clock that was ahead.
 * @throws {Refusal} `app_unknown`, `replacement_refused`.
 */
export async function replace(
  holder: KeyHolder,
  actor: Actor,
  { app: id, leastGeneration, reason }: ReplacementOrder,
): Promise<{ replaced: readonly KeyName[] }> {
  const app = findApplication(holder.deployment, id);
  const action = {
    action: `POST /admin/v1/apps/${id}/keys/replace`,
    details: JSON.stringify({ "least-generation": leastGeneration, reason }),
  };
  return await holder.auditLog.record(actor, action, async () => {
    const replaced = await replaceGoneKeys(holder.rotation, app, holder.now(), leastGeneration);
    holder.ringOf?.(id).forget();
    return { replaced };
  });
}

/** Seals every secret of the store under the newest sealing key. */
export async function reseal(
  { rotation: { store, sealer }, auditLog }: Pick<KeyHolder, "rotation" | "auditLog">,
  actor: Actor,
  { reason }: { readonly reason?: string | undefined } = {},
): Promise<Resealing> {
  const action = { action: "POST /admin/v1/keys/reseal", details: detailsOf(reason) };
  return await auditLog.record(actor, action, () => resealKeys(store, sealer));
}
