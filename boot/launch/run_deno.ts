/**
 * This very Deno as another process.
 *
 * @module
 */
import { LaunchError } from "../launch_error.ts";

/** What a child gets of this process' environment where it is to know no secrets: what Deno itself looks for. */
const DENOS_OWN = [
  "PATH",
  "HOME",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "DENO_DIR",
  "NPM_CONFIG_REGISTRY",
  "NO_COLOR",
];

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

/** Runs Deno without any secret of this process, to its end. */
export async function runDenoApart(
  args: readonly string[],
  signal?: AbortSignal,
): Promise<Deno.CommandOutput> {
  const kept = DENOS_OWN.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return await new Deno.Command(await denoProgram(), {
    args: [...args],
    clearEnv: true,
    env: Object.fromEntries(kept),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...signal === undefined ? {} : { signal },
  }).output();
}
