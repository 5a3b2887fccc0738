/**
 * What a service has to reach, as its settings and its configuration say it: what a launcher lets it do, and what it looks
 * for at its start.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Deployment } from "../core/config/types.ts";
import { hostOfUrl } from "./hosts_of_urls.ts";
import type { StoreReach } from "./engines.ts";
import { isStoreFile, storeReachOf } from "./open_store.ts";
import { isOwnFolder, OWN_FOLDER } from "./private_files.ts";
import type { Settings } from "./settings.ts";

/** What SQLite and the lock keep beside a store's file. */
const BESIDE_A_STORE = ["", "-wal", "-shm", "-journal", ".lock"];
/** Where `deno task backup` leaves word of its last copy. */
const BACKUP_MARK = ".backup";

/** What a process has to be allowed, in the words of Deno's flags. */
export interface Needs {
  /** `host:port` of what it listens on and of the servers that it calls. */
  readonly net: readonly string[];
  /** Files and folders. */
  readonly read: readonly string[];
  /** Files and folders. */
  readonly write: readonly string[];
  /** Variables that hold secrets by the configuration's will, besides those of the settings. */
  readonly env: readonly string[];
  /** What it asks of the system. */
  readonly sys: readonly string[];
}

/**
 * What a service needs; its store's client may look for files that variables name. Telemetry is not among it: the runtime exports that itself, whatever the program may do; nor are
 * modules that it is made of.
 */
export function needsOf(
  settings: Settings,
  deployment: Deployment,
  environment: (name: string) => string | undefined,
): Needs {
  const files = isStoreFile(settings.kv) ? filesOfStore(settings.kv) : [];
  const mark = isStoreFile(settings.kv) ? [settings.kv + BACKUP_MARK] : [];
  const own = settings.development ? [OWN_FOLDER] : [];
  const credentials = settings.credentials === undefined ? [] : [settings.credentials];
  const folder = isStoreFile(settings.kv) ? dirname(settings.kv) : "";
  // It sees to it that nobody else reads this one.
  if (isOwnFolder(folder)) own.push(folder);
  const { operatorsListener } = settings;
  const listeners = [settings, ...operatorsListener === undefined ? [] : [operatorsListener]];
  const stores = [settings.kv, ...settings.kvRead === undefined ? [] : [settings.kvRead]]
    .map((location) => storeReachOf(location, environment));
  const all = <T>(of: (reach: StoreReach) => readonly T[]) => stores.flatMap(of);
  const servers = serversOf(settings, deployment).map(hostOfUrl);
  return {
    net: [...new Set([...listeners.map(hostAndPort), ...all(({ net }) => net), ...servers])],
    read: [...files, ...mark, ...own, ...credentials, ...all(({ read }) => read)],
    write: [...files, ...own],
    env: [...new Set([...secretsOf(settings, deployment), ...all(({ env }) => env)])],
    sys: files.length > 0 ? ["statfs"] : [],
  };
}

/** A store's file, and what belongs to it. */
export function filesOfStore(path: string): string[] {
  return BESIDE_A_STORE.map((ending) => path + ending);
}

/** The URLs that it calls. */
function serversOf({ role, acs, regions, oidc }: Settings, deployment: Deployment): string[] {
  // An ACS alone signs nobody in: its callers have.
  const keySets = role === "acs" ? [] : [...deployment.applications.values()]
    .flatMap(({ session: { key } }) => key.kind === "jwks" ? [key.url] : []);
  return [
    acs?.url,
    ...regions.values(),
    ...keySets,
    deployment.alerts?.webhook.url,
    oidc?.issuer,
  ].filter((url) => url !== undefined);
}

/** The variables of secrets that the configuration names. */
function secretsOf({ role }: Settings, { applications, alerts }: Deployment): string[] {
  const sessions = role === "acs" ? [] : [...applications.values()]
    .flatMap(({ session: { key } }) => key.kind === "hs256" ? [key.secretEnv] : []);
  return [...new Set([...sessions, ...alerts === undefined ? [] : [alerts.webhook.secretEnv]])];
}

/** `host:port` of an address to listen on. */
export function hostAndPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
