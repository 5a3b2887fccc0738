/**
 * Opens the store that a URL or a path decides: SQLite, memory, KV Connect, or the platform's own.
 *
 * @module
 */
import { narrowExpiryIndex } from "../../ledger/expiry_index.ts";
import { Store, type StoreOptions } from "../kv.ts";

/** Whether `location` is an SQLite file, which only one process may use. */
export function isFile(location: string | undefined): location is string {
  return location !== undefined && location !== ":memory:" && !/^https?:\/\//.test(location);
}

/** The store cannot be opened; the message says what to do and repeats no URL. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
}

/**
 * Opens the store at a path, `:memory:`, a KV Connect URL, or (undefined) the platform's database.
 * @throws {StoreOpenError} If it is not there, or is no store.
 */
export async function openStore(location: string | undefined, options: StoreOptions = {}): Promise<Store> {
  const kv = await openKv(location);
  if (isFile(location)) narrowExpiryIndex(location);
  return new Store(kv, options);
}

async function openKv(location: string | undefined): Promise<Deno.Kv> {
  try {
    return await Deno.openKv(location);
  } catch (cause) {
    // It names the permission that is missing, which is another mistake.
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new StoreOpenError(
      isFile(location)
        ? `The store's file ${location} cannot be opened: see that its folder is there and may be written, and that it is a file of Deno KV.`
        : "The store cannot be opened: see that what DIT_KV names is reachable, and that DENO_KV_ACCESS_TOKEN is its token.",
      { cause },
    );
  }
}
