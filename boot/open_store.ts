/**
 * Opens the store that the settings name, for this process alone where it is a file.
 *
 * @module
 */
import { isFile, openStore } from "../core/store/deno_kv/open.ts";
import type { Store } from "../core/store/store.ts";
import { lockStoreFile } from "./file_lock.ts";
import type { Log } from "./log.ts";
import { reportStoreFaults } from "./store_faults.ts";

/**
 * Opens the store at `location`; its faults are written to `log`. A file's lock is held until the process ends.
 * @throws {StoreInUseError} If another process has the file. {@linkcode StoreOpenError} if there is no store.
 */
export async function openLockedStore(location: string | undefined, log: Log): Promise<Store> {
  if (isFile(location)) await lockStoreFile(location);
  return await openStore(location, { onFault: reportStoreFaults((line) => log("store_fault", { ...line })) });
}
