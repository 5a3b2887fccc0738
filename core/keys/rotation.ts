/**
 * Makes keys that are missing and ends those that are over. Idempotent: any number of processes may run it at once and
 * be killed between any two commits; the next run mends what is left.
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import { keySpace, type Store } from "../store/kv.ts";
import { tokenKeyId, truncatedKeyId } from "../token/token.ts";
import type { RandomSource, Suite } from "../voprf/suite.ts";
import { epochAt, lifetimeOf, stateAt } from "./epoch.ts";
import {
  type DoomedKey,
  type KeyName,
  type KeyRow,
  openSecret,
  PEPPER_LENGTH,
  sealSecret,
} from "./key_row.ts";
import type { Sealer } from "./sealing.ts";

/** Seconds that claims outlive their key, so that no late commit can claim a use again. */
export const CLAIMS_OUTLIVE_SECONDS = 3_600;

/** What rotation works with. */
export interface RotationContext {
  /** The store. */
  readonly store: Store;
  /** This deployment's region. */
  readonly region: string;
  /** Seals new secrets. */
  readonly sealer: Sealer;
  /** The cipher suites. */
  readonly suites: (name: Application["suite"]) => Suite;
  /** Secrets and peppers. */
  readonly random: RandomSource;
}

/** A commit whose check failed was overtaken by another process: look again and go on. */
const MAX_OVERTAKEN = 100;

/** Reads an application's keys in order of epoch and generation. */
export async function readKeyRows(store: Store, app: string, region: string): Promise<KeyRow[]> {
  return (await Array.fromAsync(store.list<KeyRow>(keySpace.keysOf(app, region)))).map((entry) =>
    entry.value
  );
}

/** Makes the keys of the current epoch and of the horizon that are missing. Gives how many it made. */
export async function createMissingKeys(
  context: RotationContext,
  app: Application,
  nowSeconds: number,
): Promise<number> {
  const current = epochAt(app, nowSeconds);
  let created = 0;
  for (let epoch = current; epoch <= current + app.horizonEpochs; epoch++) {
    if (await createKey(context, app, epoch, "missing")) created++;
  }
  return created;
}

/** Starts the next generation of the current epoch; the key before it goes on redeeming. */
export async function rotateNow(
  context: RotationContext,
  app: Application,
  nowSeconds: number,
): Promise<KeyName> {
  const epoch = epochAt(app, nowSeconds);
  const name = await createKey(context, app, epoch, "next");
  if (name === undefined) throw new Error("No key was made.");
  return name;
}

async function createKey(
  context: RotationContext,
  app: Application,
  epoch: number,
  when: "missing" | "next",
): Promise<KeyName | undefined> {
  const { store, region } = context;
  for (let overtaken = 0; overtaken < MAX_OVERTAKEN; overtaken++) {
    // The counter is read before the rows: whoever makes a key anywhere meanwhile makes this commit fail, so what
    // was read is what holds, and neither a name nor a truncated id can be given twice.
    const counter = await store.get<number>(keySpace.ordinals());
    const rows = await readKeyRows(store, app.id, region);
    const generations = rows.filter((row) => row.epoch === epoch);
    if (when === "missing" && generations.some((row) => row.revokedAt === undefined)) return undefined;
    const generation = Math.max(-1, ...generations.map((row) => row.generation)) + 1;
    const row = await drawKey(
      context,
      app,
      { app: app.id, region, epoch, generation },
      counter.value ?? 0,
      rows,
    );
    const made = await store.commit((operation) => addKey(operation, counter, row));
    if (made !== undefined) return row;
  }
  throw new Error(`Keys of ${app.id} could not be made: other processes were always faster.`);
}

function addKey(operation: Deno.AtomicOperation, counter: Deno.KvEntryMaybe<number>, row: KeyRow): void {
  const key = keySpace.key(row.app, row.region, row.epoch, row.generation);
  operation
    .check(counter)
    .check({ key, versionstamp: null })
    .set(counter.key, row.ordinal + 1)
    .set(key, row)
    .set(keySpace.alive(row.ordinal), true);
}

async function drawKey(
  context: RotationContext,
  app: Application,
  name: KeyName,
  ordinal: number,
  others: readonly KeyRow[],
): Promise<KeyRow> {
  const suite = context.suites(app.suite);
  const taken = new Set(others.map((row) => truncatedKeyId(tokenKeyId(row.publicKey))));
  let keys = suite.generateKeyPair(context.random);
  while (taken.has(truncatedKeyId(tokenKeyId(keys.publicKey)))) keys = suite.generateKeyPair(context.random);
  return {
    ...name,
    ...lifetimeOf(app, name.epoch),
    ordinal,
    suite: app.suite,
    publicKey: keys.publicKey,
    sealed: await sealSecret(context.sealer, name, keys.secretKey, context.random(PEPPER_LENGTH)),
    usesPerToken: app.usesPerToken,
    tokensPerClient: app.tokensPerClient,
  };
}

/**
 * Revokes every key of an epoch at once: nothing that it signed redeems any more, and while the epoch issues or is
 * still to come the next generation takes over in the same commit.
 * @returns The revoked names, and the replacement if there is one.
 */
export async function revokeEpoch(
  context: RotationContext,
  app: Application,
  epoch: number,
  nowSeconds: number,
): Promise<{ revoked: KeyName[]; replacement?: KeyName }> {
  const { store, region } = context;
  for (let overtaken = 0; overtaken < MAX_OVERTAKEN; overtaken++) {
    const counter = await store.get<number>(keySpace.ordinals());
    const rows = await readKeyRows(store, app.id, region);
    const revoked = rows.filter((row) => row.epoch === epoch && row.revokedAt === undefined);
    if (revoked.length === 0) return { revoked: [] };
    const last = revoked.at(-1)!;
    const replacement = nowSeconds < last.issueUntil
      ? await drawKey(
        context,
        app,
        { app: app.id, region, epoch, generation: last.generation + 1 },
        counter.value ?? 0,
        rows,
      )
      : undefined;
    const done = await store.commit((operation) => {
      for (const row of revoked) endKey(operation, row, nowSeconds, { ...row, revokedAt: nowSeconds });
      if (replacement === undefined) operation.check(counter);
      else addKey(operation, counter, replacement);
    });
    if (done !== undefined) return { revoked, ...(replacement === undefined ? {} : { replacement }) };
  }
  throw new Error(`Keys of ${app.id} could not be revoked: other processes were always faster.`);
}

/** The alive row goes first and the secret with it, overwritten by zeros of equal length. */
function endKey(operation: Deno.AtomicOperation, row: KeyRow, nowSeconds: number, ended: KeyRow): void {
  const doomed: DoomedKey = {
    app: row.app,
    region: row.region,
    epoch: row.epoch,
    generation: row.generation,
    claimsAfter: nowSeconds + CLAIMS_OUTLIVE_SECONDS,
  };
  operation
    .delete(keySpace.alive(row.ordinal))
    .set(keySpace.key(row.app, row.region, row.epoch, row.generation), {
      ...ended,
      sealed: new Uint8Array(row.sealed.length),
    })
    .set(keySpace.doomed(row.ordinal), doomed);
}

/**
 * Ends the keys that are over at `nowSeconds`: first the alive row and the secret, in the next commit the row.
 * Gives how many it ended.
 */
export async function destroyOverKeys(
  store: Store,
  app: string,
  region: string,
  nowSeconds: number,
): Promise<number> {
  let ended = 0;
  for await (const { key, value: row, versionstamp } of store.list<KeyRow>(keySpace.keysOf(app, region))) {
    if (stateAt(row, nowSeconds) !== "over") continue;
    if (row.revokedAt !== undefined || row.sealed.every((byte) => byte === 0)) {
      await store.commit((operation) => operation.check({ key, versionstamp }).delete(key));
      continue;
    }
    const zeroed = await store.commit((operation) => {
      operation.check({ key, versionstamp });
      endKey(operation, row, nowSeconds, row);
    });
    if (zeroed === undefined) continue;
    ended++;
    await store.commit((operation) => operation.check({ key, versionstamp: zeroed }).delete(key));
  }
  return ended;
}

/** Seals under the newest sealing key what an older one sealed. Gives how many it sealed again. */
export async function resealKeys(
  store: Store,
  sealer: Sealer,
  app: string,
  region: string,
): Promise<number> {
  let resealed = 0;
  for await (const { key, value: row, versionstamp } of store.list<KeyRow>(keySpace.keysOf(app, region))) {
    if (row.sealed.every((byte) => byte === 0) || sealer.isNewest(row.sealed)) continue;
    const { secretKey, pepper } = await openSecret(sealer, row);
    const sealed = await sealSecret(sealer, row, secretKey, pepper);
    const done = await store.commit((operation) =>
      operation.check({ key, versionstamp }).set(key, { ...row, sealed })
    );
    if (done !== undefined) resealed++;
  }
  return resealed;
}

/**
 * Opens every secret in the store once, so that a service with the wrong sealing keys does not start.
 * @throws {SealError} If one does not open.
 */
export async function openAllSecrets(store: Store, sealer: Sealer): Promise<void> {
  for await (const { value: row } of store.list<KeyRow>(keySpace.allKeys())) {
    if (row.sealed.some((byte) => byte !== 0)) await openSecret(sealer, row);
  }
}
