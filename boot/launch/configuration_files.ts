/**
 * Which files a configuration is made of, so that nothing beside them can be read.
 *
 * @module
 */
import { resolve } from "node:path";
import { CODE } from "./code.ts";
import { runDenoApart } from "./run_deno.ts";

interface Info {
  readonly modules: readonly { readonly local?: string }[];
}

/** The files of the module at `path` and of all that it imports; the shipped one is a part of the program. */
export async function configurationFiles(path: string | undefined): Promise<string[]> {
  const shipped = new URL("dit.config.ts", CODE).pathname;
  if (path === undefined) return [shipped];
  const module = path.startsWith("file:") ? new URL(path).pathname : resolve(path);
  const { success, stdout } = await runDenoApart([
    "info",
    "--json",
    `--config=${new URL("deno.json", CODE).pathname}`,
    module,
  ], { kind: "reaches a network" });
  // What is wrong with it, loading it has said already.
  if (!success) return [module];
  const { modules }: Info = JSON.parse(new TextDecoder().decode(stdout));
  return modules.flatMap(({ local }) => local === undefined ? [] : [local]);
}
