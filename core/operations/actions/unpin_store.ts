/**
 * Letting another store take the place of the one that an application belongs to.
 *
 * @module
 */
import { removeStorePin } from "../../acs/store_pins.ts";
import { findApplication } from "../../config/find_application.ts";
import type { KeyHolder } from "./keys.ts";
import type { Actor } from "../audit_log.ts";

/** What is unpinned, and why. */
export interface UnpinOrder {
  /** The application's name. */
  readonly app: string;
  /** The id of the store that is to be pinned no more: a repeated call never unpins the one after it. */
  readonly store: string;
  /** Why, for the audit log. */
  readonly reason?: string | undefined;
}

/**
 * Unpins a store; the next one that a log server of the application comes with takes its place. Idempotent.
 * @throws {Refusal} `app_unknown`.
 */
export async function unpinStore(
  { deployment, rotation: { store: own }, auditLog }: Pick<KeyHolder, "deployment" | "rotation" | "auditLog">,
  actor: Actor,
  { app: id, store, reason }: UnpinOrder,
): Promise<{ unpinned: boolean }> {
  const { id: app } = findApplication(deployment, id);
  const action = {
    action: `POST /admin/v1/apps/${app}/stores/unpin`,
    details: JSON.stringify({ store, reason }),
  };
  return await auditLog.record(
    actor,
    action,
    async () => ({ unpinned: await removeStorePin(own, app, store) }),
  );
}
