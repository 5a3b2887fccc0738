import { ConfigError } from "../core/config/check/check.ts";
import defaultConfig from "../dit.config.ts";

/**
 * The configuration module that `DIT_CONFIG` names, or the shipped one. It is still unchecked.
 * @throws {ConfigError} If the module cannot be loaded.
 */
export async function loadConfig(path: string | undefined = Deno.env.get("DIT_CONFIG")): Promise<unknown> {
  if (path === undefined) return defaultConfig;
  try {
    return (await import(new URL(path, `file://${Deno.cwd()}/`).href)).default;
  } catch (error) {
    throw new ConfigError([`DIT_CONFIG: ${path} cannot be loaded: ${(error as Error).message}`]);
  }
}
