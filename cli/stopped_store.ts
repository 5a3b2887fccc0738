/**
 * A store that an operator's command opens itself: on a KV Connect endpoint, or in a file that no service uses.
 *
 * @module
 */
import { checkConfig } from "../core/config/check/check.ts";
import { Refusal } from "../core/base/errors.ts";
import { ConfirmedTime } from "../core/clock/confirmed_time.ts";
import { proveSealingKeys } from "../core/keys/resealing.ts";
import { Sealer } from "../core/keys/sealing.ts";
import type { KeyHolder } from "../core/operations/actions/keys.ts";
import type { TimeHolder } from "../core/operations/actions/confirm_time.ts";
import { newestCountedSeconds } from "../core/operations/counter_rows.ts";
import { type Actor, AuditLog } from "../core/operations/audit_log.ts";
import { loadSuites } from "../core/voprf/load.ts";
import { passOnStoreToken, processEnvironment } from "../boot/credentials.ts";
import { developmentSecret } from "../boot/development_secrets.ts";
import { lockStoreFile, StoreInUseError } from "../boot/file_lock.ts";
import { isStoreFile, openStore } from "../boot/open_store.ts";
import { readSettings, type Settings } from "../boot/settings.ts";
import { mistakesOf } from "../boot/start_errors.ts";
import { CommandError } from "./admin_api.ts";
import { loadConfig } from "../boot/load_config.ts";

/** Who acts on a store without the service. */
export const HOLDER: Actor = { name: "whoever holds the store", via: "command" };

/** Where the store is (undefined: nowhere that a command could know of), and whether it is one of development. */
export async function findStore(): Promise<{ location: string | undefined; development: boolean }> {
  const mode = processEnvironment("DIT_ENV");
  const development = mode !== "production" && await exists(".dit/seal_key");
  // Whoever has production's secrets at hand does not mean development's store.
  const isProductions = mode === undefined &&
    ["DIT_SEAL_KEYS", "DIT_CREDENTIALS"].some((name) => processEnvironment(name) !== undefined);
  return {
    location: processEnvironment("DIT_KV") ?? (development && !isProductions ? ".dit/kv.sqlite3" : undefined),
    development,
  };
}

/**
 * Takes a store's file for this process; a database of several processes has no lock.
 * @throws {CommandError} If a service uses it.
 */
export async function lockStopped(location: string): Promise<Disposable | undefined> {
  if (!isStoreFile(location)) return undefined;
  try {
    return await lockStoreFile(location);
  } catch (error) {
    if (error instanceof StoreInUseError) {
      throw new CommandError(`${error.message.split(":")[0]}: stop it first.`);
    }
    throw error;
  }
}

/** An open store, with what works on it. */
export interface StoppedStore extends KeyHolder, TimeHolder {
  /** The environment. */
  readonly settings: Settings;
}

/** Opens the store at `location` for `work`. Throws {@linkcode CommandError} with one sentence for every mistake. */
export async function withStore<T>(
  location: string,
  development: boolean,
  work: (opened: StoppedStore) => Promise<T>,
): Promise<T> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  try {
    const settings = readSettings((name) =>
      name === "DIT_ENV" ? (development ? "development" : "production") : processEnvironment(name)
    );
    const deployment = checkConfig(await loadConfig(settings.config), { development });
    const sealKeys = settings.sealKeys ?? [await developmentSecret("seal_key", 32)];
    const sealer = await Sealer.of(sealKeys, random);
    const names = [...deployment.applications.values()].map(({ suite }) => suite);
    const suites = await loadSuites(() => {}, { names });
    if (!isStoreFile(location)) passOnStoreToken(processEnvironment);
    const store = await openStore(location, { sealKeys });
    try {
      await proveSealingKeys(store, sealer);
      const now = () => Math.floor(Date.now() / 1000);
      const time = new ConfirmedTime({ store, now, steady: () => performance.now() / 1000 });
      await time.open(() => newestCountedSeconds(store));
      const confirmedSeconds = () => time.confirmedSeconds();
      const rotation = { store, region: settings.region, sealer, suites, random, confirmedSeconds };
      const auditLog = new AuditLog(store, { random, now });
      return await work({ rotation, deployment, settings, auditLog, now, time });
    } finally {
      store.close();
    }
  } catch (error) {
    if (error instanceof Refusal) throw new CommandError(error.message);
    throw new CommandError(mistakesOf(error)?.join("\n") ?? rethrow(error));
  }
}

function rethrow(error: unknown): never {
  throw error;
}

/** Whether there is a file at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
