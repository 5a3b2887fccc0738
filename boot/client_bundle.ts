/**
 * The client SDK as one module, which cli/bundle_client.ts writes before the service starts in development.
 *
 * @module
 */
import { OWN_FOLDER } from "./private_files.ts";

/** Where it lies, below the working directory. */
export const CLIENT_BUNDLE = `${OWN_FOLDER}/client.js`;

/** Reads it; undefined when it was not bundled. */
export async function readClientBundle(): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(CLIENT_BUNDLE);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
