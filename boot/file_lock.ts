/**
 * One process per SQLite file: two that write to one file make each other's commits fail in masses.
 *
 * @module
 */

/** Another process uses the store. */
export class StoreInUseError extends Error {
  override readonly name = "StoreInUseError";
}

/**
 * Takes the lock beside a store's file, until the process ends or the lock is closed. A file that is not there yet is
 * made, empty and readable by its owner only: SQLite would let everybody read it.
 * @throws {StoreInUseError} If another process has it.
 */
export async function lockStoreFile(path: string): Promise<Deno.FsFile> {
  const slash = path.lastIndexOf("/");
  if (slash > 0) await Deno.mkdir(path.slice(0, slash), { recursive: true, mode: 0o700 });
  const file = await Deno.open(`${path}.lock`, { create: true, write: true, mode: 0o600 });
  if (!await file.tryLock(true)) {
    file.close();
    throw new StoreInUseError(
      `Another process uses ${path}: stop it, or set DIT_KV to another file or to a KV Connect endpoint.`,
    );
  }
  (await Deno.open(path, { create: true, write: true, mode: 0o600 })).close();
  return file;
}
