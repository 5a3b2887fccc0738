import defaultConfig from "../dit.config.ts";

/** The configuration module that `DIT_CONFIG` names, or the shipped one. It is still unchecked. */
export async function loadConfig(path: string | undefined = Deno.env.get("DIT_CONFIG")): Promise<unknown> {
  if (path === undefined) return defaultConfig;
  return (await import(new URL(path, `file://${Deno.cwd()}/`).href)).default;
}
