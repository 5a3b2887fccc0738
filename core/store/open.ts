/**
 * Opens the store that a URL or a path decides: SQLite, memory, KV Connect, or the platform's own.
 *
 * @module
 */
import { Store, type StoreOptions } from "./kv.ts";

/** Whether `location` is an SQLite file, which only one process may use. */
export function isFile(location: string | undefined): location is string {
  return location !== undefined && location !== ":memory:" && !/^https?:\/\//.test(location);
}

/** Opens the store at a path, `:memory:`, a KV Connect URL, or (undefined) the platform's database. */
export async function openStore(location: string | undefined, options: StoreOptions = {}): Promise<Store> {
  return new Store(await Deno.openKv(location), options);
}
