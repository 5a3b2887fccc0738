/**
 * Opens the store that a URL or a path decides: SQLite, memory, KV Connect, or the platform's own.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { Store, type StoreOptions } from "./kv.ts";

/** Whether `location` is a KV Connect endpoint, shared by many processes. */
export function isRemote(location: string | undefined): boolean {
  return location !== undefined && /^https?:\/\//.test(location);
}

/**
 * Opens the store. A file is vacuumed first: deleted values (destroyed keys) stay in an SQLite file until then.
 * @param location A path, `:memory:`, a KV Connect URL, or undefined for the platform's database.
 */
export async function openStore(location: string | undefined, options: StoreOptions = {}): Promise<Store> {
  if (location !== undefined && location !== ":memory:" && !isRemote(location)) await prepareFile(location);
  return new Store(await Deno.openKv(location), options);
}

async function prepareFile(path: string): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (folder !== "") await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
  } finally {
    database.close();
  }
}
