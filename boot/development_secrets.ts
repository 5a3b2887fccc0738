/**
 * The secrets of development: made once, kept in `.dit/` with mode 0600, so that `deno task dev` needs no variable and
 * a second start finds the same keys.
 *
 * @module
 */
import { makePrivateFolder, OWN_FOLDER } from "./private_files.ts";

/** Reads a secret of `length` bytes, or makes it. */
export async function developmentSecret(name: string, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const path = `${OWN_FOLDER}/${name}`;
  await makePrivateFolder(OWN_FOLDER);
  const fresh = crypto.getRandomValues(new Uint8Array(length)).toBase64();
  const draft = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, fresh + "\n", { createNew: true, mode: 0o600 });
  try {
    // A link appears whole or not at all: a process that starts at the same moment never reads half a secret.
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(draft);
  }
  return await readSecret(path, length);
}

/** Reads a secret of `length` bytes; undefined where none was made yet. */
export async function readDevelopmentSecret(
  name: string,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readSecret(`${OWN_FOLDER}/${name}`, length);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function readSecret(path: string, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const secret = Uint8Array.fromBase64((await Deno.readTextFile(path)).trim());
  if (secret.length !== length) {
    throw new Error(`Delete ${path}: it does not hold ${length} bytes of base64.`);
  }
  return secret;
}
