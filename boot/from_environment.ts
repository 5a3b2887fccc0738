/**
 * A service as the environment of a process describes it, with the real world around it.
 *
 * @module
 */
import type { Siblings } from "../core/operations/siblings.ts";
import { checkConfig } from "../core/config/check/check.ts";
import { assemble, type Assembled } from "./assemble.ts";
import { hostReader } from "./host_state.ts";
import { passOnStoreToken } from "./credentials.ts";
import { loadConfig } from "./load_config.ts";
import type { Log } from "./log.ts";
import { needsOf } from "./needs.ts";
import { openLockedStore, openReplica } from "./open_store.ts";
import { requirePermissions } from "./permissions.ts";
import { readSecrets, type Secrets } from "./secrets.ts";
import { readSettings, type Settings } from "./settings.ts";
import { mistakesOf } from "./start_errors.ts";

/** A service, and what of its environment the process needs. */
export interface FromEnvironment extends Assembled {
  /** The environment. */
  readonly settings: Settings;
  /** The secrets. */
  readonly secrets: Secrets;
}

/** What a process is. */
export interface ProcessOptions {
  /** The values of environment variables. */
  readonly environment: (name: string) => string | undefined;
  /** Writes a line. */
  readonly log: Log;
  /** The other processes that answer on this one's port. */
  readonly siblings?: Siblings | undefined;
  /** Ends live views when the process is told to stop. */
  readonly stopped: AbortSignal;
}

/**
 * Puts the service of a process together.
 * @throws Errors that {@linkcode mistakesOf} has sentences for, where a person made a mistake.
 */
export async function assembleFromEnvironment(
  { environment, log, siblings, stopped }: ProcessOptions,
): Promise<FromEnvironment> {
  const settings = readSettings(environment);
  const deployment = checkConfig(await loadConfig(settings.config), settings);
  if (/^https?:/.test(settings.kv ?? "")) passOnStoreToken(environment);
  // The platform decides itself what a program may do.
  if (settings.kv !== undefined) await requirePermissions(needsOf(settings, deployment, environment));
  const secrets = await readSecrets(settings, deployment, environment);
  const assembled = await assemble({
    settings,
    deployment,
    secrets,
    openStore: () => openLockedStore(settings.kv, { sealKeys: secrets.sealKeys, log }),
    openReplica: async (store) =>
      settings.kvRead === undefined ? undefined : await openReplica(store, settings.kvRead, log),
    ports: {
      now: () => Math.floor(Date.now() / 1000),
      steady: () => performance.now() / 1000,
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
      fetch,
      log,
      readHost: hostReader(settings.kv),
      siblings,
      onInternalError: (error) =>
        log("internal_error", { reasons: mistakesOf(error) ?? [(error as Error)?.name] }),
    },
    stopped,
  });
  return { ...assembled, settings, secrets };
}
