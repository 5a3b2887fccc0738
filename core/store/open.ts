/**
 * Opens the store that a URL or a path decides: SQLite, memory, KV Connect, or the platform's own.
 *
 * @module
 */
import { narrowExpiryIndex } from "./expiry_index.ts";
import { Store, type StoreOptions } from "./kv.ts";

/** Whether `location` is an SQLite file, which only one process may use. */
export function isFile(location: string | undefined): location is string {
  return location !== undefined && location !== ":memory:" && !/^https?:\/\//.test(location);
}

/** Opens the store at a path, `:memory:`, a KV Connect URL, or (undefined) the platform's database. */
export async function openStore(location: string | undefined, options: StoreOptions = {}): Promise<Store> {
  const kv = await Deno.openKv(location);
  if (isFile(location)) narrowExpiryIndex(location);
  return new Store(kv, options);
}
