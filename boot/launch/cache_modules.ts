/**
 * The service's modules are fetched before it starts: it may then import nothing that is not there, since the hosts that
 * Deno imports from could be told something in a module's name.
 *
 * @module
 */
import { LaunchError } from "../launch_error.ts";
import { CODE } from "./code.ts";
import { runDenoApart } from "./run_deno.ts";

/**
 * Fetches all that the program and the configuration at `path` are made of, where it is not there yet.
 * @throws {LaunchError} If it cannot be had.
 */
export async function cacheModules(path: string | undefined): Promise<void> {
  const { success, stderr } = await runDenoApart([
    ...["cache", "--quiet", "--no-check", `--config=${new URL("deno.json", CODE).pathname}`],
    new URL("main.ts", CODE).href,
    ...path === undefined ? [] : [new URL(path, `file://${Deno.cwd()}/`).href],
  ], { kind: "reaches a network" });
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim().split("\n", 1);
  throw new LaunchError(`The modules of the service cannot all be had: ${said}`, true);
}
