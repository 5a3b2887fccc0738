/**
 * A look at the store's file before it is vacuumed, by a process that may touch this file and nothing else: SQLite reads
 * it there, and the sealing keys stay here.
 *
 * @module
 */
import { LaunchError } from "../launch_error.ts";
import { filesOfStore } from "../needs.ts";
import { permissionFlags } from "../permissions.ts";
import { sealKeysAtHand } from "../secrets.ts";
import type { Settings } from "../settings.ts";
import { readLook, requireOwnStore, type StoreLook } from "../store_look.ts";
import { CODE } from "./code.ts";
import { runDenoApart } from "./run_deno.ts";

/**
 * Refuses the store's file at `path`, its real name, where the service would refuse it.
 * @throws {StoreOpenError} {@linkcode SealError} {@linkcode StoreInUseError} with one sentence each.
 */
export async function requireOwnStoreApart(path: string, settings: Settings): Promise<void> {
  await requireOwnStore(await lookApart(path), await sealKeysAtHand(settings));
}

async function lookApart(path: string): Promise<StoreLook | undefined> {
  const files = filesOfStore(path);
  const { success, stdout, stderr } = await runDenoApart([
    ...["run", "--no-prompt", "--quiet", "--cached-only"],
    ...permissionFlags({ net: [], read: files, write: files, env: [], sys: [] }),
    `--config=${new URL("deno.json", CODE).pathname}`,
    new URL("print_look.ts", import.meta.url).href,
    path,
  ]);
  if (success) return readLook(new TextDecoder().decode(stdout).trim());
  const said = new TextDecoder().decode(stderr).trim().split("\n", 1);
  throw new LaunchError(`The store's file ${path} cannot be looked at: ${said}`);
}
