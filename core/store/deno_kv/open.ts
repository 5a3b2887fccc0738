/**
 * Opens the store that a URL or a path decides: SQLite, memory, KV Connect, or the platform's own.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import { Store, type StoreOptions } from "../store.ts";
import { DenoKvEngine } from "./engine.ts";
import { narrowExpiryIndex } from "./expiry_index.ts";
import { KV_CONNECT_LIMITS } from "./limits.ts";

/** Whether `location` is an SQLite file, which only one process may use. */
export function isFile(location: string | undefined): location is string {
  return location !== undefined && location !== ":memory:" && !/^https?:\/\//.test(location);
}

/**
 * Opens the database at a path, `:memory:`, a KV Connect URL, or (undefined) the platform's own.
 * @throws {StoreOpenError} If it is not there, or is no database of Deno KV.
 */
export async function openEngine(location: string | undefined): Promise<DenoKvEngine> {
  const kv = await openDenoKv(location);
  if (location === undefined) return new DenoKvEngine(kv, { shared: true });
  const isOwn = isFile(location) || location === ":memory:";
  return isOwn
    ? new DenoKvEngine(kv, { shared: false })
    : new DenoKvEngine(kv, { shared: true }, KV_CONNECT_LIMITS);
}

/** The store over a Deno KV that is open already: a bench's or a test's own. */
export function storeOver(kv: Deno.Kv, options: StoreOptions = {}): Store {
  return new Store(new DenoKvEngine(kv, { shared: false }), options);
}

/** Opens the Deno KV of {@linkcode openEngine}; its index of expiring rows is kept small where it is a file. */
export async function openDenoKv(location: string | undefined): Promise<Deno.Kv> {
  try {
    const kv = await Deno.openKv(location);
    if (isFile(location)) narrowExpiryIndex(location);
    return kv;
  } catch (cause) {
    // It names the permission that is missing, which is another mistake.
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new StoreOpenError(
      isFile(location)
        ? `The store's file ${location} cannot be opened: see that its folder is there and may be written, and that it is a file of Deno KV.`
        : "The store cannot be opened: see that what DIT_KV names is reachable, and that DENO_KV_ACCESS_TOKEN is its token.",
      { cause, mayPass: !isFile(location) },
    );
  }
}
