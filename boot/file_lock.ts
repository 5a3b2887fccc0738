/**
 * One process per SQLite file: two that write to one file make each other's commits fail in masses. A file is itself
 * whatever it is called: a relative path, one through `..` and a symbolic link all take the lock beside the real file. The file
 * itself is locked as well: under a bind mount, as a container's volume of one file is, what lies beside it is another folder.
 *
 * @module
 */
import { dirname } from "node:path";
import { StoreOpenError } from "../core/store/open_error.ts";
import { isOwnFolder, makePrivateFile, makePrivateFolder } from "./private_files.ts";

/** How a file of SQLite begins (its file format, section 1.3). */
const SQLITE = "SQLite format 3\0";

/** Another process uses the store. */
export class StoreInUseError extends Error {
  override readonly name = "StoreInUseError";
}

/** A store's file is this process's until it is closed. Close the store before. */
export interface StoreLock extends Disposable {
  /** Gives the file to others. */
  close(): void;
}

/**
 * Takes the locks of a store's file and beside it, until the process ends or the lock is closed. A file that is not there yet is
 * made, empty and readable by its owner only: SQLite would let everybody read it.
 * @throws {StoreInUseError} If another process has it. {@linkcode StoreOpenError} if the file has two names, or is a link to nothing.
 */
export async function lockStoreFile(path: string): Promise<StoreLock> {
  const folder = dirname(path);
  if (isOwnFolder(folder)) await makePrivateFolder(folder);
  const real = await realPathOf(path);
  // First the one beside: a process that has the store open must not open and close its file, since that would end the locks
  // of SQLite, which are the process's and of another kind (fcntl) than ours (flock).
  const beside = await Deno.open(`${real}.lock`, { create: true, write: true, mode: 0o600 });
  const locked: Deno.FsFile[] = [beside];
  const close = () => locked.forEach((file) => file.close());
  try {
    if (!await beside.tryLock(true)) throw inUse(path);
    const itself = await Deno.open(real, { read: true });
    locked.push(itself);
    if (!await itself.tryLock(true)) throw inUse(path);
  } catch (error) {
    close();
    throw error;
  }
  return { close, [Symbol.dispose]: close };
}

/** Another process has the file. */
export function inUse(path: string): StoreInUseError {
  return new StoreInUseError(
    `Another process uses ${path}: stop it, or set DIT_KV to another file or to a KV Connect endpoint.`,
  );
}

async function makeStoreFile(path: string): Promise<void> {
  try {
    await makePrivateFile(path);
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    // Only now: whoever may use the store's file need not have a right to the folder that it lies in.
    await makePrivateFolder(dirname(path));
    await makePrivateFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // Its folder is there, so it is a link.
    throw new StoreOpenError(`${path} is a link to a file that is not there: make an empty one there first.`);
  }
}

/** The one name of a store's file, which is made if it is not there. */
async function realPathOf(path: string): Promise<string> {
  let real: string;
  try {
    real = await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await makeStoreFile(path);
    real = await Deno.realPath(path);
  }
  const { isFile, nlink } = await Deno.stat(real);
  if (!isFile) {
    throw notAStore(path);
  }
  // SQLite keeps its journal beside the name that it was opened by: under two names a file is damaged, lock or no lock.
  if ((nlink ?? 1) > 1) {
    throw new StoreOpenError(
      `${path} has a second name (a hard link), under which SQLite would damage it: delete all names but one.`,
    );
  }
  return real;
}

/**
 * Whether there is a file of SQLite; not where nothing is yet, or an empty file. Any other is refused: it stays as it is,
 * without a lock beside it.
 * @throws {StoreOpenError} Then.
 */
export async function requireStoreFile(path: string): Promise<boolean> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (isFile && size === 0) return false;
    if (isFile && await beginsAsSqlite(path)) return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  throw notAStore(path);
}

async function beginsAsSqlite(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const start = new Uint8Array(SQLITE.length);
  await file.read(start);
  return new TextDecoder().decode(start) === SQLITE;
}

/** There is something else. */
export function notAStore(path: string): StoreOpenError {
  return new StoreOpenError(
    `${path} is no store's file: set DIT_KV to one, or to a path where nothing is yet.`,
  );
}
