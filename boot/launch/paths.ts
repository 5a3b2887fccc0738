/**
 * Where a file really is, since permissions are given to paths.
 *
 * @module
 */
import { dirname, resolve } from "node:path";

/** The absolute path of a file without links in it; of one that is not there, as far as its folders are. */
export async function realFile(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await Deno.realPath(whole);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return whole;
  }
  const folder = dirname(whole);
  if (folder === whole) return whole;
  return resolve(await realFile(folder), whole.slice(folder.length).replace(/^\//, ""));
}

/** The topmost folder that has to be made before a file can be; undefined where its folder is there. */
export async function missingFolder(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  if (await isThere(folder)) return undefined;
  return await missingFolder(folder) ?? folder;
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
