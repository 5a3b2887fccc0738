/**
 * What the keys page shows: keys of the store, and the latest epoch whose keys are gone from it.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { type Calendar, epochAt, lifetimeOf } from "../../../core/keys/epoch.ts";
import { type ListedKey, listKeys } from "../../../core/keys/listed_keys.ts";
import { hasKeys, type Server } from "../../../core/service.ts";
import { KEY_ENDS } from "../../../core/keys/families.ts";

/** An epoch whose keys are gone from the store. */
export interface DestroyedEpoch {
  readonly epoch: number;
  /** Unix seconds, as its keys had them. */
  readonly notBefore: number;
  /** Unix seconds. */
  readonly redeemUntil: number;
}

/** What the page shows of an application's keys. */
export interface KeysView {
  /** Oldest first. */
  readonly keys: readonly ListedKey[];
  /** The latest epoch whose keys are gone from the store; undefined before the first. */
  readonly destroyed: DestroyedEpoch | undefined;
  /** Whether an epoch that issues or is to come has lost its keys. */
  readonly isGone: boolean;
}

/** Reads an application's keys; undefined where they are at an ACS elsewhere. */
export async function readKeys(service: Server, app: Application): Promise<KeysView | undefined> {
  if (!hasKeys(service)) return undefined;
  const [keys, { value: endedAt }] = await Promise.all([
    listKeys(service.rotation, service.now()),
    service.store.get<number>(KEY_ENDS.key(app.id, service.region)),
  ]);
  const own = keys.filter((key) => key.app === app.id);
  const destroyed = endedAt === null ? undefined : epochThatEnded(app, endedAt);
  const isListed = own.some(({ epoch }) => epoch === destroyed?.epoch);
  const alive = new Set(own.filter(({ state }) => state !== "revoked").map(({ epoch }) => epoch));
  const current = epochAt(app, service.now());
  const isGone = Array.from({ length: app.horizonEpochs + 1 }, (_, ahead) => current + ahead)
    .some((epoch) => !alive.has(epoch) && lifetimeOf(app, epoch).redeemUntil <= (endedAt ?? 0));
  return { keys: own, destroyed: isListed ? undefined : destroyed, isGone };
}

/** The epoch whose keys took logs until `endedAt`; undefined if the calendar was another one then. */
function epochThatEnded(calendar: Calendar, endedAt: number): DestroyedEpoch | undefined {
  const epoch = epochAt(calendar, endedAt - 1) - calendar.overlapEpochs;
  const life = lifetimeOf(calendar, epoch);
  return life.redeemUntil === endedAt ? { epoch, ...life } : undefined;
}
