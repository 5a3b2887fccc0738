// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * Vacuums the store's SQLite file before the service opens it: destroyed keys and other deleted values stay in the file
 * until then.
 *
 * It is a process of its own because Deno refuses VACUUM (which attaches a temporary database) to any process that has
 * not every permission, and the service has few.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { readSettings } from "../boot/settings.ts";
import { lockStoreFile, StoreInUseError } from "../boot/file_lock.ts";
import { isStoreFile } from "../boot/open_store.ts";

/** Vacuums the file at `path`; a file that is not there or is in use is left alone. */
async function vacuumFile(path: string): Promise<"vacuumed" | "absent" | "in use"> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "absent";
    throw error;
  }
  try {
    using _lock = await lockStoreFile(path);
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    } finally {
      database.close();
    }
    return "vacuumed";
  } catch (error) {
    if (error instanceof StoreInUseError) return "in use";
    throw error;
  }
}

if (import.meta.main) {
  let path: string | undefined;
  try {
    path = readSettings((name) => Deno.env.get(name)).kv;
  } catch {
    // The service says what is wrong with the environment; here there is only nothing to do.
  }
  if (isStoreFile(path)) {
    await vacuumFile(path).catch((error) =>
      console.error(`The store's file was not vacuumed: ${error.message}`)
    );
  }
}
