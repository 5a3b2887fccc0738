/**
 * What is done before the service starts, by programs of their own: the store's file is looked at and then vacuumed, and
 * in development the client is bundled for the example page. What of the latter two fails is said, and keeps no service
 * from its start.
 *
 * @module
 */
import { CODE } from "./code.ts";
import { requireOwnStoreApart } from "./look_apart.ts";
import { runDenoApart } from "./run_deno.ts";
import type { ServiceCommand } from "./service_command.ts";

/**
 * Does it. `warn` hears what failed, in sentences.
 * @throws {StoreOpenError} If the store's file is none of this program; {@linkcode SealError} if it is under other keys.
 */
export async function prepare(
  { storeFile, settings, settings: { development, role } }: ServiceCommand,
  warn: (sentence: string) => void,
): Promise<void> {
  if (storeFile !== undefined) {
    await requireOwnStoreApart(storeFile, settings);
    await vacuum(storeFile, warn);
  }
  if (development && role === "all") {
    await runScript({ flags: ["--unstable-bundle"], script: "cli/bundle_client.ts", args: ["."], warn });
  }
}

/** Vacuums a store's file. */
export async function vacuum(path: string, warn: (sentence: string) => void): Promise<void> {
  await runScript({ flags: [], script: "cli/vacuum.ts", args: [path], warn });
}

interface Script {
  readonly flags: readonly string[];
  readonly script: string;
  readonly args: readonly string[];
  readonly warn: (sentence: string) => void;
}

async function runScript({ flags, script, args, warn }: Script): Promise<void> {
  const { success, stderr } = await runDenoApart([
    ...["run", "--no-prompt", "--quiet", "--allow-all", ...flags],
    `--config=${new URL("deno.json", CODE).pathname}`,
    new URL(script, CODE).href,
    ...args,
  ]);
  const said = new TextDecoder().decode(stderr).trim();
  if (said !== "") warn(success ? said : `${script} failed: ${said.split("\n", 1)}`);
}
