/**
 * Opens the store that the settings name, for this process alone where it is a file. Nothing else of the service knows
 * which engines there are.
 *
 * @module
 */
import type { ClaimingEngine } from "../core/store/claims.ts";
import { isFile, openEngine } from "../core/store/deno_kv/open.ts";
import { requireKnownFormat } from "../core/operations/store_format.ts";
import { Store, type StoreOptions } from "../core/store/store.ts";
import { lockStoreFile, requireStoreFile } from "./file_lock.ts";
import type { Log } from "./log.ts";
import { reportStoreFaults } from "./store_faults.ts";
import { VERSION } from "./version.ts";

/** Where a store is: what `DIT_KV` says; undefined: where the platform has one. */
type Location = string | undefined;

/** An engine, and which stores are its own. */
interface EngineChoice {
  /** Whether it opens what is there. */
  readonly takes: (location: Location) => boolean;
  /** Whether that is an SQLite file. */
  readonly isFile: (location: Location) => location is string;
  /** Opens it. Throws `StoreOpenError`. */
  readonly open: (location: Location) => Promise<ClaimingEngine>;
}

/** The engine of all locations that are nobody else's. */
const DENO_KV: EngineChoice = { takes: () => true, isFile, open: openEngine };

/** All engines; the first that takes a location opens it. */
const ENGINES: readonly EngineChoice[] = [DENO_KV];

function engineOf(location: Location): EngineChoice {
  return ENGINES.find(({ takes }) => takes(location)) ?? DENO_KV;
}

/** Whether the store is an SQLite file, which one process has to itself and commands may copy. */
export function isStoreFile(location: string | undefined): location is string {
  return engineOf(location).isFile(location);
}

/**
 * Opens the store at a path, `:memory:`, a URL, or (undefined) the platform's database. A file is not locked.
 * @throws {StoreOpenError} If it is not there, is no store, or is one of a newer program.
 */
export async function openStore(location: string | undefined, options: StoreOptions = {}): Promise<Store> {
  const store = new Store(await engineOf(location).open(location), options);
  try {
    await requireKnownFormat(store, VERSION);
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/**
 * Opens the store at `location`; its faults are written to `log`. A file's lock is held until the process ends.
 * @throws {StoreInUseError} If another process has the file. {@linkcode StoreOpenError} if there is no store.
 */
export async function openLockedStore(location: string | undefined, log: Log): Promise<Store> {
  if (isStoreFile(location)) {
    await requireStoreFile(location);
    await lockStoreFile(location);
  }
  return await openStore(location, { onFault: reportStoreFaults((line) => log("store_fault", { ...line })) });
}
