/**
 * Folders and files that only their owner may read, whoever makes them first: the store, development's secrets, and what
 * lies beside them.
 *
 * @module
 */

/** The folder of development, below the working directory. It is the program's own. */
export const OWN_FOLDER = ".dit";
/** A mode's bits for everybody but the owner. */
const OTHERS = 0o077;

/** Whether a path is that of such a folder. */
export function isOwnFolder(path: string): boolean {
  return path === OWN_FOLDER || path.endsWith(`/${OWN_FOLDER}`);
}

/** Makes a folder, and those above it that are missing. The program's own is closed to others where it was not. */
export async function makePrivateFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  if (!isOwnFolder(path)) return;
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & OTHERS) !== 0) await Deno.chmod(path, 0o700);
}

/** Makes an empty file unless it is there. */
export async function makePrivateFile(path: string): Promise<void> {
  (await Deno.open(path, { create: true, write: true, mode: 0o600 })).close();
}
