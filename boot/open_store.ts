/**
 * Opens the store that the settings name, for this process alone where it is a file.
 *
 * @module
 */
import { equalPublic } from "../core/base/bytes.ts";
import type { TimeRow } from "../core/clock/confirmed_time.ts";
import { CONFIRMED_TIMES } from "../core/clock/families.ts";
import { SEAL_PROOFS } from "../core/keys/families.ts";
import { StoreUnavailable } from "../core/store/breaker.ts";
import { StoreOpenError } from "../core/store/open_error.ts";
import { readFormat, requireKnownFormat } from "../core/operations/store_format.ts";
import { readCopyMark, requireOwnPlace } from "../core/operations/copy/copy_mark.ts";
import { Store, type StoreOptions } from "../core/store/store.ts";
import { engineOf, type StoreReach } from "./engines.ts";
import { lockStoreFile } from "./file_lock.ts";
import type { Log } from "./log.ts";
import { lookAtStore, requireOwnStore } from "./store_look.ts";
import { reportStoreFaults } from "./store_faults.ts";
import { VERSION } from "./version.ts";

/** Whether the store is an SQLite file, which one process has to itself and commands may copy. */
export function isStoreFile(location: string | undefined): location is string {
  return engineOf(location).isFile(location);
}

/** Whether several processes may use the store at `location` at the same time. */
export function isSharedStore(location: string | undefined): boolean {
  return engineOf(location).isShared(location);
}

/** What a process has to reach to use the store at `location`; `get` reads a variable of its environment. */
export function storeReachOf(
  location: string | undefined,
  get: (name: string) => string | undefined,
): StoreReach {
  return engineOf(location).reaches(location, get);
}

/** Sealing keys of 32 bytes, newest first. */
type SealKeys = readonly Uint8Array<ArrayBuffer>[];

/** How {@linkcode openStore} opens a store. */
interface OpenOptions extends StoreOptions {
  /** A file under other ones is refused before it is opened; where they are absent, nobody looks. */
  readonly sealKeys?: SealKeys | undefined;
  /** `any`: also one that is being copied or was moved, which nothing may be served from; `own` by default. */
  readonly place?: "own" | "any";
}

/**
 * Opens the store at a path, `:memory:`, a URL, or (undefined) the platform's database. A file is not locked; it is looked
 * at before anything may write to it.
 * @throws {StoreOpenError} If it is not there, is no store, or is one of a newer program. {@linkcode SealError} if it is a
 * file under other sealing keys than those that are given.
 */
export async function openStore(
  location: string | undefined,
  { sealKeys, place = "own", ...options }: OpenOptions = {},
): Promise<Store> {
  if (isStoreFile(location)) await requireOwnStore(await lookAtStore(location), sealKeys);
  const store = new Store(await engineOf(location).open(location), options);
  try {
    requireKnownFormat(await readFormat(store), VERSION);
    if (place === "own") requireOwnPlace(await readCopyMark(store));
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/** How {@linkcode openLockedStore} opens a store. */
interface LockedOptions {
  /** The sealing keys of this process. */
  readonly sealKeys: SealKeys;
  /** Its faults are written there. */
  readonly log: Log;
}

/**
 * Opens the store at `location`. A file's lock is held until the process ends.
 * @throws {StoreInUseError} If another process has the file. {@linkcode StoreOpenError} and {@linkcode SealError} as
 * {@linkcode openStore}; then there is not even a lock beside it.
 */
export async function openLockedStore(
  location: string | undefined,
  { sealKeys, log }: LockedOptions,
): Promise<Store> {
  if (isStoreFile(location)) {
    await requireOwnStore(await lookAtStore(location), sealKeys);
    await lockStoreFile(location);
  }
  const onFault = reportStoreFaults((line) => log("store_fault", { ...line }));
  return await openStore(location, { sealKeys, onFault });
}

/** A confirmed time is written every minute: a replica that is so much behind replays nothing any more. */
const MOST_BEHIND_SECONDS = 3_600;

/**
 * How many seconds a replica is behind, by what both say of the time.
 * @throws {StoreOpenError} If it has not the proof of the sealing keys that the store has.
 */
async function requireReplica(store: Store, replica: Store): Promise<number> {
  const keys = [SEAL_PROOFS.key(), CONFIRMED_TIMES.key()];
  // The replica first: what it has the store has as well.
  const its = await replica.getMany<Uint8Array & TimeRow>(keys);
  const own = await store.getMany<Uint8Array & TimeRow>(keys);
  const [proof, itsProof] = [own[0]?.value, its[0]?.value];
  if (!proof || !itsProof || !equalPublic(proof, itsProof)) {
    throw new StoreOpenError(
      "DIT_KV_READ names no replica of the database that DIT_KV names, or one that has just begun.",
    );
  }
  return (own[1]?.value?.seconds ?? 0) - (its[1]?.value?.seconds ?? 0);
}

/**
 * Opens a replica of an open store, for reads alone. One that does not answer or does not follow now is done without until
 * the next start.
 * @throws {StoreOpenError} If it is no replica of this store.
 */
export async function openReplica(
  store: Store,
  location: string,
  log: Log,
): Promise<Store | undefined> {
  const { openReplica: open } = engineOf(location);
  if (open === undefined) throw new StoreOpenError("DIT_KV_READ names a store that has no replicas.");
  let replica: Store | undefined;
  try {
    replica = new Store(await open(location), {
      onFault: reportStoreFaults((line) => log("store_fault", { ...line })),
    });
    const behindSeconds = await requireReplica(store, replica);
    if (behindSeconds <= MOST_BEHIND_SECONDS) return replica;
    replica.close();
    const hours = Math.floor(behindSeconds / 3_600);
    log("warning", {
      message:
        `What DIT_KV_READ names is more than ${hours} h behind the store and does not follow it, as a copy or a ` +
        "server that was promoted: the store itself is read until the next start.",
    });
    return undefined;
  } catch (error) {
    replica?.close();
    const mayPass = error instanceof StoreUnavailable || error instanceof StoreOpenError && error.mayPass;
    if (!mayPass) throw error;
    log("warning", {
      message:
        "The replica that DIT_KV_READ names does not answer: the store itself is read until the next start.",
    });
    return undefined;
  }
}
