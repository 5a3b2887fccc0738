/**
 * The folder in which the processes on one port have their sockets. A process makes it that may write to the folder of
 * temporary files and nowhere else; the launcher writes nothing.
 *
 * @module
 */
import { LaunchError } from "../launch_error.ts";
import { runDenoApart } from "./run_deno.ts";

/** A socket's path has at most 107 bytes: nothing deeper than this is used. */
const MAX_PARENT = 64;

/**
 * Makes a new one, which its owner alone may open, and gives its path.
 * @throws {LaunchError} If it cannot be made.
 */
export async function makeSocketFolder(): Promise<string> {
  const temporary = Deno.env.get("TMPDIR") ?? "/tmp";
  const parent = temporary.startsWith("/") && temporary.length <= MAX_PARENT ? temporary : "/tmp";
  const { success, stdout, stderr } = await runFolderScript(parent, "make", parent);
  if (success) return new TextDecoder().decode(stdout).trim();
  const said = new TextDecoder().decode(stderr).trim().split("\n", 1);
  throw new LaunchError(
    `The processes need a folder for their sockets: set TMPDIR to one that may be written, or give --processes 1 (${said}).`,
  );
}

/** Removes it where it is still there: the last process does so, unless one was ended by force. */
export async function removeSocketFolder(folder: string): Promise<void> {
  const isThere = await Deno.stat(folder).then(() => true, () => false);
  if (isThere) await runFolderScript(folder, "remove", folder);
}

function runFolderScript(allowed: string, ...args: string[]): Promise<Deno.CommandOutput> {
  const script = new URL("./change_folder.ts", import.meta.url).href;
  const flags = ["--no-prompt", "--no-config", `--allow-read=${allowed}`, `--allow-write=${allowed}`];
  return runDenoApart(["run", ...flags, script, ...args]);
}
