/**
 * How many file descriptors the process may still open: each connection holds one, and so does each file of the store.
 * The runtime raises its own limit as far as the system lets it, and tells nobody how far that is.
 *
 * @module
 */

import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";

/** What a system gives that nobody has asked for more. With fewer a crowd of clients, or an attacker, holds all of them. */
const ENOUGH_DESCRIPTORS = 1_024;

/** Writes a warning where they are few. */
export function warnOfFewDescriptors({ config }: Pick<Settings, "config">, log: Log): void {
  const count = countDescriptors(config ?? new URL("../dit.config.ts", import.meta.url));
  if (count >= ENOUGH_DESCRIPTORS) return;
  log("warning", {
    message:
      `Only ${count} more files and connections can be open: raise the limit (ulimit -n, LimitNOFILE).`,
  });
}

/**
 * Counts them by opening `file` again and again.
 * @param file A file that the process may read anyway; never the store's, whose locks end with any descriptor of it.
 * @returns At most {@linkcode ENOUGH_DESCRIPTORS}; that too where the file cannot be opened at all.
 */
export function countDescriptors(file: string | URL): number {
  const open: Deno.FsFile[] = [];
  try {
    while (open.length < ENOUGH_DESCRIPTORS) open.push(Deno.openSync(file));
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EMFILE") return ENOUGH_DESCRIPTORS;
  } finally {
    for (const one of open) one.close();
  }
  return open.length;
}
