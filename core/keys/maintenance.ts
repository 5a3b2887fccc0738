/**
 * Everything that is due for keys, in one run.
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import { DEFAULT_PACE } from "../store/sweep.ts";
import { ENDED_REPLACEMENTS } from "./families.ts";
import { forgetLeaves } from "./key_chain.ts";
import { resealKeys } from "./resealing.ts";
import { createMissingKeys, destroyOverKeys, type RotationContext } from "./rotation.ts";

/** How long it is remembered how often an epoch's keys were replaced. */
const REPLACEMENTS_KEPT_SECONDS = 400 * 86_400;

/** What one run did to keys. */
export interface KeyMaintenance {
  /** Keys made. */
  readonly keysMade: number;
  /** Keys ended. */
  readonly keysEnded: number;
  /** Keys sealed again under the newest sealing key. */
  readonly keysResealed: number;
  /** Keys that no sealing key of this process opens. */
  readonly keysUnreadable: number;
}

/** Nothing done. */
export const NOTHING_DONE: KeyMaintenance = { keysMade: 0, keysEnded: 0, keysResealed: 0, keysUnreadable: 0 };

/** Forgets which replacements there were in epochs that no clock could be in again. */
async function forgetReplacements({ store, confirmedSeconds }: RotationContext): Promise<void> {
  const before = confirmedSeconds() - REPLACEMENTS_KEPT_SECONDS;
  await store.sweep<number>(ENDED_REPLACEMENTS.all(), DEFAULT_PACE, ({ value }) => value < before);
}

/** Makes the keys that are missing, ends those that are over, and seals under the newest sealing key. Idempotent. */
export async function maintainKeys(
  context: RotationContext,
  applications: Iterable<Application>,
  nowSeconds: number,
): Promise<KeyMaintenance> {
  let keysMade = 0;
  for (const app of applications) keysMade += await createMissingKeys(context, app, nowSeconds);
  const keysEnded = await destroyOverKeys(context, nowSeconds);
  await forgetReplacements(context);
  await forgetLeaves(context);
  const { resealed, unreadable } = await resealKeys(context.store, context.sealer);
  return { keysMade, keysEnded, keysResealed: resealed, keysUnreadable: unreadable };
}
