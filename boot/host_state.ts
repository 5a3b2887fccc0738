/**
 * How the machine of a process is: its memory, the size of the store's file, the disk that is left, and when the file was
 * last copied.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import type { HostState } from "../core/operations/standing.ts";
import { isStoreFile } from "./open_store.ts";

/** The store's file and what SQLite keeps beside it. */
const STORE_FILES = ["", "-wal", "-shm"];

/** Where `deno task backup` leaves word of its last copy of the store's file: Unix seconds. */
export function backupMarkOf(storeFile: string): string {
  return `${storeFile}.backup`;
}

/** Makes the function that reads it. `location` is what `DIT_KV` names. */
export function hostReader(location: string | undefined): () => Promise<HostState> {
  return async function readHost() {
    const residentBytes = Deno.memoryUsage().rss;
    if (!isStoreFile(location)) return { residentBytes };
    const [storeBytes, freeBytes, backedUpAtSeconds] = await Promise.all([
      readSize(location),
      readFree(location),
      readMark(backupMarkOf(location)),
    ]);
    return { residentBytes, storeBytes, freeBytes, backedUpAtSeconds };
  };
}

async function readSize(location: string): Promise<number> {
  const sizes = await Promise.all(
    STORE_FILES.map((ending) => Deno.stat(location + ending).then(({ size }) => size, () => 0)),
  );
  return sizes.reduce((sum, size) => sum + size);
}

/** Undefined where the process may not ask, or its system does not tell. */
async function readFree(file: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(file);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

async function readMark(path: string): Promise<number> {
  try {
    const text = await Deno.readTextFile(path);
    return /^[0-9]{1,12}\n?$/.test(text) ? Number(text) : 0;
  } catch {
    return 0;
  }
}
