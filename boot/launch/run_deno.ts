/**
 * This very Deno as another process.
 *
 * @module
 */
import { LaunchError } from "../launch_error.ts";
import { handOn } from "./environment.ts";

/**
 * The name under which this process may run Deno: tasks allow `deno`, which is found in `PATH`.
 * @throws {LaunchError} If it is not there.
 */
export async function denoProgram(): Promise<string> {
  const { state } = await Deno.permissions.query({ name: "run", command: Deno.execPath() });
  if (state === "granted") return Deno.execPath();
  const named = await Deno.permissions.query({ name: "run", command: "deno" });
  if (named.state === "granted") return "deno";
  throw new LaunchError(`Add the folder of ${Deno.execPath()} to PATH: the service is started as "deno".`);
}

/** How a program is run. */
interface ApartOptions {
  /** What it is for; by default it reaches no network. */
  readonly kind?: "apart" | "reaches a network";
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** Runs Deno without any secret of this process, to its end. */
export async function runDenoApart(
  args: readonly string[],
  { kind = "apart", signal }: ApartOptions = {},
): Promise<Deno.CommandOutput> {
  return await new Deno.Command(await denoProgram(), {
    args: [...args],
    clearEnv: true,
    env: handOn(Deno.env.toObject(), kind),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...signal === undefined ? {} : { signal },
  }).output();
}
