/**
 * Ending what must not live again in a store that was put back from a backup (docs/operating.md).
 *
 * @module
 */
import { Refusal } from "../../base/errors.ts";
import { dayOf } from "../../base/time.ts";
import { closedEpochs, type RenewedKeys, renewKeys } from "../../keys/after_restore.ts";
import type { ChainStretch } from "../../keys/key_chain.ts";
import { MAX_GENERATION } from "../../keys/replacement.ts";
import { restartChain, takeUpChain } from "../../keys/restored_chain.ts";
import { releaseFrom } from "../../privacy/release/release_due.ts";
import type { Actor } from "../audit_log.ts";
import type { KeyHolder } from "./keys.ts";

/** How a restored store is mended. */
export interface MendOrder {
  /** The newest generation of an application's epoch that was given away after the backup: none up to it is left. */
  readonly given: (app: string, epoch: number) => number;
  /** Whether epochs of which all generations were given away may be left without a key that clients take. */
  readonly evenWithoutTokens?: boolean | undefined;
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
 * Refuses what would cost clients more than they have to bear, before any key has ended.
 * @returns The applications whose chain goes on.
 */
async function prepare(
  { rotation, deployment, now }: KeyHolder,
  { given, evenWithoutTokens = false, published = new Map() }: MendOrder,
): Promise<ReadonlySet<string>> {
  const unfit = (app: string, why: string) =>
    new Refusal(
      "replacement_refused",
      `The history of ${app} cannot be used: ${why}. Nothing was mended. Give another one, or none: then the chain of ` +
        "keys starts anew, and clients with a pin take no key until they have a new one.",
    );
  const apps = [...deployment.applications.values()];
  for (const id of published.keys()) {
    if (!deployment.applications.has(id)) throw unfit(id, "there is no such application here");
  }
  for (const app of evenWithoutTokens ? [] : apps) {
    const closed = closedEpochs(app, now(), (epoch) => given(app.id, epoch));
    if (closed.length === 0) continue;
    throw new Refusal(
      "replacement_refused",
      `Clients accept ${MAX_GENERATION} replacements an epoch: those of ${app.id} would get no tokens in ` +
        `${closed.join(", ")}. Nothing was mended. To have it so, add --even-without-tokens.`,
    );
  }
  for (const [id, stretch] of published) {
    if (await takeUpChain(rotation, id, stretch)) continue;
    throw unfit(id, "it does not contain the newest key of the backup");
  }
  return new Set(published.keys());
}

/**
 * Ends every key that is alive, with a next generation in its place, and has no day before today released any more.
 * @throws {Refusal} `replacement_refused` before anything was changed, where a history does not fit or an epoch would be
 * left without a key that clients take.
 * @returns What became of the keys of each application; none of a store without keys.
 */
export async function mendRestored(
  holder: KeyHolder,
  actor: Actor,
  order: MendOrder,
): Promise<ReadonlyMap<string, MendedKeys>> {
  const { rotation, deployment, auditLog, now } = holder;
  const { given, holdsKeys } = order;
  return await auditLog.record(actor, { action: "restore the store from a backup" }, async () => {
    const taken = holdsKeys ? await prepare(holder, order) : new Set();
    const renewed = new Map<string, MendedKeys>();
    for (const app of deployment.applications.values()) {
      // By the wall clock: the confirmed time is the backup's, and days since then may have been answered.
      await releaseFrom(rotation.store, app.id, dayOf(now()));
      if (!holdsKeys) continue;
      const goesOn = taken.has(app.id);
      if (!goesOn) await restartChain(rotation, app.id, now());
      const keys = await renewKeys(rotation, app, now(), (epoch) => given(app.id, epoch));
      renewed.set(app.id, { ...keys, chain: goesOn ? "goes on" : "starts anew" });
    }
    return renewed;
  });
}
