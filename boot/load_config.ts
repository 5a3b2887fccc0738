import { ConfigError } from "../core/config/check/check.ts";
import { processEnvironment } from "./credentials.ts";

/** Milliseconds in which a configuration has to be there; one that still waits then waits for ever. */
const PATIENCE_MS = 5_000;

/**
 * The configuration module at `path`, by default the one that `DIT_CONFIG` names, or the shipped one. It is still unchecked.
 * @throws {ConfigError} If the module cannot be loaded, or is not there within `patienceMs`.
 */
export async function loadConfig(
  path: string | undefined = processEnvironment("DIT_CONFIG"),
  patienceMs: number = PATIENCE_MS,
): Promise<unknown> {
  const name = path === undefined ? "dit.config.ts" : `DIT_CONFIG: ${path}`;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Without a timer the runtime would end the process with a stack, where nothing is left that it could wait for.
  const late = new Promise<never>((_resolve, reject) => {
    const seconds = patienceMs / 1_000;
    const error = new ConfigError([
      `${name} cannot be loaded: after ${seconds} s it still awaits something.`,
    ]);
    timer = setTimeout(() => reject(error), patienceMs);
  });
  try {
    const module = await Promise.race([importConfig(path), late]);
    return module.default;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    // Behind the first line there is the source's text.
    const [reason = ""] = `${(error as Error).message ?? error}`.split("\n", 1);
    throw new ConfigError([`${name} cannot be loaded: ${reason.replaceAll("file://", "")}`]);
  } finally {
    clearTimeout(timer);
  }
}

async function importConfig(path: string | undefined): Promise<{ readonly default?: unknown }> {
  return path === undefined
    ? await import("../dit.config.ts")
    : await import(new URL(path, `file://${Deno.cwd()}/`).href);
}
