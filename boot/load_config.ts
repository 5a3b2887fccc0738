import { ConfigError } from "../core/config/check/check.ts";

/**
 * The configuration module that `DIT_CONFIG` names, or the shipped one. It is still unchecked.
 * @throws {ConfigError} If the module cannot be loaded.
 */
export async function loadConfig(path: string | undefined = Deno.env.get("DIT_CONFIG")): Promise<unknown> {
  try {
    const module = path === undefined
      ? await import("../dit.config.ts")
      : await import(new URL(path, `file://${Deno.cwd()}/`).href);
    return module.default;
  } catch (error) {
    const name = path === undefined ? "dit.config.ts" : `DIT_CONFIG: ${path}`;
    // Behind the first line there is the source's text.
    const [reason = ""] = `${(error as Error).message ?? error}`.split("\n", 1);
    throw new ConfigError([`${name} cannot be loaded: ${reason.replaceAll("file://", "")}`]);
  }
}
