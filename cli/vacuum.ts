// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * Vacuums the store's SQLite file before the service opens it: destroyed keys and other deleted values stay in the file
 * until then. `vacuum.ts FILE`; boot/launch/prepare.ts starts it.
 *
 * Deno refuses VACUUM (which attaches a temporary database) on every database that was opened by a process without all
 * permissions. So this is a process of its own, which imports no package and is given no secret; it opens the one file that
 * it is told, and gives all its permissions back before SQLite reads a byte of it.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { lockStoreFile, notAStore, requireStoreFile, StoreInUseError } from "../boot/file_lock.ts";
import { isDenoKv } from "../core/store/deno_kv/file_rows.ts";
import { dropPermissions } from "./drop_permissions.ts";

/** Vacuums the file at `path`; one that is not there or is in use is left alone. */
async function vacuumFile(path: string): Promise<void> {
  try {
    if (!await requireStoreFile(path)) return;
    using _lock = await lockStoreFile(path);
    const database = new DatabaseSync(path);
    try {
      dropPermissions();
      if (!isDenoKv(database)) throw notAStore(path);
      database.exec("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    } finally {
      database.close();
    }
  } catch (error) {
    if (!(error instanceof StoreInUseError)) throw error;
  }
}

if (import.meta.main) {
  const [path] = Deno.args;
  if (path === undefined) {
    console.error("Use: vacuum.ts FILE");
    Deno.exit(1);
  }
  await vacuumFile(path).catch((error) =>
    console.error(`The store's file was not vacuumed: ${error.message}`)
  );
}
