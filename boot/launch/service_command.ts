/**
 * The command that starts the service with exactly the permissions that its settings and its configuration need.
 *
 * @module
 */
import { checkConfig } from "../../core/config/check/check.ts";
import { loadConfig } from "../load_config.ts";
import { hostOfUrl } from "../hosts_of_urls.ts";
import { filesOfStore, needsOf } from "../needs.ts";
import { isStoreFile } from "../open_store.ts";
import { permissionFlags } from "../permissions.ts";
import { needsOfPlace, type SharedPlace } from "../place.ts";
import { readSettings, type Settings } from "../settings.ts";
import { telemetryVariables } from "../telemetry_settings.ts";
import { cacheModules } from "./cache_modules.ts";
import { CODE } from "./code.ts";
import { configurationFiles } from "./configuration_files.ts";
import { discoverHosts } from "./discover_hosts.ts";
import { missingFolder, realFile } from "./paths.ts";

/** How a service is started. */
export interface ServiceCommand {
  /** What to give to Deno. */
  readonly args: readonly string[];
  /** Variables that come before those of this process. */
  readonly variables: Readonly<Record<string, string>>;
  /** The variables that it asks for: of this process' it gets these, and what Deno itself looks for. */
  readonly asks: readonly string[];
  /** The settings. */
  readonly settings: Settings;
  /** The store's file by its real name; undefined where it is none. */
  readonly storeFile: string | undefined;
  /** What several processes share that answer on one port; undefined: there is one. */
  readonly shared: SharedPlace | undefined;
}

/**
 * Reads the settings and the configuration and gives the command. `warn` hears sentences about what may go wrong later;
 * `share` gives what several processes share, where there are to be several.
 * @throws Errors that `mistakesOf` has sentences for, where a person made a mistake.
 */
export async function serviceCommand(
  environment: (name: string) => string | undefined,
  warn: (sentence: string) => void,
  share: (settings: Settings) => Promise<SharedPlace | undefined> = () => Promise.resolve(undefined),
): Promise<ServiceCommand> {
  const asked = new Set<string>();
  const variables = telemetryVariables(environment);
  const settings = readSettings((name) => {
    asked.add(name);
    return variables[name] ?? environment(name);
  });
  const deployment = checkConfig(await loadConfig(settings.config), settings);
  const storeFile = isStoreFile(settings.kv) ? await realFile(settings.kv) : undefined;
  await cacheModules(settings.config);
  const { net, read, write, env, sys } = needsOf(settings, deployment, environment);
  // It is opened by the name that it has in the settings, and locked by the one that it really has.
  const real = storeFile === undefined ? [] : filesOfStore(storeFile);
  const folder = storeFile === undefined ? undefined : await missingFolder(storeFile);
  const folders = folder === undefined ? [] : [folder];
  const asks = [...asked, ...env];
  const shared = await share(settings);
  const beside = shared === undefined ? { net: [], read: [], write: [] } : needsOfPlace(shared);
  const flags = permissionFlags({
    net: [...net, ...await providersHosts(settings, warn), ...beside.net],
    read: [...read, ...real, ...folders, ...await configurationFiles(settings.config), ...beside.read],
    write: [...write, ...real, ...folders, ...beside.write],
    env: asks,
    sys,
  });
  return {
    args: [
      "run",
      "--no-prompt",
      // Otherwise it may import, and so call, whatever hosts Deno imports from, whatever --allow-net says.
      "--cached-only",
      `--config=${new URL("deno.json", CODE).pathname}`,
      // Without it no two processes listen on one port.
      ...shared === undefined ? [] : ["--unstable-net"],
      ...flags,
      new URL("main.ts", CODE).href,
    ],
    variables,
    asks,
    settings,
    storeFile,
    shared,
  };
}

/** Where the identity provider's endpoints are, besides where it is itself: it alone knows. */
async function providersHosts({ oidc }: Settings, warn: (sentence: string) => void): Promise<string[]> {
  if (oidc === undefined) return [];
  const hosts = await discoverHosts(oidc.issuer);
  if (hosts === undefined) {
    warn(
      "The identity provider did not say where its endpoints are: if they are not all at " +
        `${hostOfUrl(oidc.issuer)}, operators can sign in after another start only.`,
    );
  }
  return hosts ?? [];
}
