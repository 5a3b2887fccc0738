/**
 * The environment, read once at the start and checked as a whole; everything else is in dit.config.ts.
 *
 * @module
 */
import type { Role } from "../routes/app.ts";
import type { OperatorSettings } from "../edge/auth/operator_settings.ts";
import type { Network } from "../edge/admission/address.ts";
import { mistakeInLocation, mistakeInReplica, SHARED_STORES } from "./engines.ts";
import { type HostSettings, readHosts } from "./hosts.ts";
import { readOperators } from "./operator_settings.ts";
import { DEFAULT_PORT, type ListenAddress, readOperatorsListener, readPort } from "./operators_listener.ts";
import { readTrustedProxies } from "./trusted_proxies.ts";
import { parseRegions } from "../edge/remote/region.ts";
import { type AcsSettings, readRole } from "./role.ts";
import { checkTelemetry } from "./telemetry_settings.ts";

/** What the environment decides. */
export interface Settings extends OperatorSettings, HostSettings {
  /** Development has /dev routes and makes its own secrets. */
  readonly development: boolean;
  /** Which part of the service this process is. */
  readonly role: Role;
  /** How a log server reaches its ACS; only for that role. */
  readonly acs: AcsSettings | undefined;
  /** The port to listen on. */
  readonly port: number;
  /** The address to listen on. */
  readonly host: string;
  /** Where operators have a listener of their own, which alone answers them; undefined: they share the other one. */
  readonly operatorsListener: ListenAddress | undefined;
  /** Where the store is; undefined: the platform's database. */
  readonly kv: string | undefined;
  /** Where a replica of the store is, for reads that may lag behind; undefined: there is none. */
  readonly kvRead: string | undefined;
  /** The folder of files that are variables. */
  readonly credentials: string | undefined;
  /** The configuration module; undefined: the shipped dit.config.ts. */
  readonly config: string | undefined;
  /** Sealing keys, newest first; undefined in development, which makes one. */
  readonly sealKeys: readonly Uint8Array<ArrayBuffer>[] | undefined;
  /** This deployment's region. */
  readonly region: string;
  /** The other regions' URLs by name; empty where there is one. */
  readonly regions: ReadonlyMap<string, string>;
  /** The secret of the hop between regions. */
  readonly regionToken: string | undefined;
  /** Proxies in front of the service. */
  readonly trustedHops: number;
  /** The networks that they stand in. */
  readonly trustedProxies: readonly Network[];
  /** Requests a second that one address may keep up. */
  readonly requestsPerSecond: number;
  /** Whether a line is written for every request. */
  readonly logRequests: boolean;
  /** The fastest code that may compute ristretto255. */
  readonly suiteKernel: "wasm" | "libsodium";
}

/** The environment has mistakes; `mistakes` has one sentence for each. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";

  /** Lists the mistakes. */
  constructor(readonly mistakes: readonly string[]) {
    super(mistakes.join("\n"));
  }
}

/** Reads the settings. Throws {@linkcode EnvironmentError} with every mistake at once. */
export function readSettings(get: (name: string) => string | undefined): Settings {
  const mistakes: string[] = [];
  const choose = <T extends string>(name: string, choices: readonly T[], fallback: T): T => {
    const value = get(name) ?? fallback;
    if ((choices as readonly string[]).includes(value)) return value as T;
    mistakes.push(`Set ${name} to ${choices.join(" or ")}, or leave it out for ${fallback}.`);
    return fallback;
  };
  const development = choose("DIT_ENV", ["development", "production"], "production") === "development";
  const onPlatform = get("DENO_DEPLOYMENT_ID") !== undefined || get("DENO_DEPLOY") !== undefined;
  const kv = get("DIT_KV") ?? (development ? ".dit/kv.sqlite3" : undefined);
  if (kv === undefined && !onPlatform) {
    mistakes.push(`Set DIT_KV to the path of the store's file, or to ${SHARED_STORES}.`);
  }
  const wrong = kv === undefined ? undefined : mistakeInLocation(kv);
  if (wrong !== undefined) mistakes.push(`Set DIT_KV to ${wrong}.`);
  const kvRead = get("DIT_KV_READ");
  const wrongRead = kvRead === undefined ? undefined : mistakeInReplica(kvRead);
  if (wrongRead !== undefined) mistakes.push(`Set DIT_KV_READ to ${wrongRead}.`);
  const region = get("DIT_REGION") ?? "local";
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(region)) {
    mistakes.push('Set DIT_REGION to a name of a-z, 0-9 and "-", a letter first, at most 32 characters.');
  }
  // Deno Deploy traces for itself, whatever is set here.
  if (!development && !onPlatform) checkTelemetry(get, mistakes);
  const { role, acs } = readRole(get, mistakes);
  const settings: Settings = {
    development,
    role,
    acs,
    port: readPort("PORT", get("PORT") ?? `${DEFAULT_PORT}`, mistakes),
    host: readAddress(get("HOST"), mistakes) ?? (development ? "127.0.0.1" : "0.0.0.0"),
    operatorsListener: readOperatorsListener(get, onPlatform, mistakes),
    kv,
    kvRead,
    credentials: get("DIT_CREDENTIALS"),
    config: get("DIT_CONFIG"),
    sealKeys: readSealKeys(get("DIT_SEAL_KEYS"), development, mistakes),
    region,
    ...readRegions(get, region, development, mistakes),
    ...readTrustedProxies(get, mistakes),
    requestsPerSecond: readThrottle(get("DIT_THROTTLE"), development, mistakes),
    ...readHosts(get, development, mistakes),
    ...readOperators(get, development, mistakes),
    logRequests: choose("DIT_LOG", ["requests", "events"], "events") === "requests",
    suiteKernel: choose("DIT_SUITE_KERNEL", ["wasm", "libsodium"], "wasm"),
  };
  if (mistakes.length > 0) throw new EnvironmentError(mistakes);
  return settings;
}

/** Most regions of a directory (docs/protocol.md, section 7). */
const MAX_REGIONS = 16;

function readRegions(
  get: (name: string) => string | undefined,
  own: string,
  development: boolean,
  mistakes: string[],
): Pick<Settings, "regions" | "regionToken"> {
  const text = get("DIT_REGIONS");
  const regionToken = get("DIT_REGION_TOKEN");
  // It travels as a header, so it is made of what a header can hold.
  if ((text !== undefined || regionToken !== undefined) && !/^[\x21-\x7e]{32,}$/.test(regionToken ?? "")) {
    mistakes.push(
      "Set DIT_REGION_TOKEN to one secret of at least 32 letters, digits and signs, the same in every region.",
    );
  }
  if (text === undefined) return { regions: new Map(), regionToken };
  const regions = parseRegions(text);
  if (regions === undefined) {
    mistakes.push("Set DIT_REGIONS to name=URL pairs such as eu=https://eu.example,us=https://us.example.");
  }
  if (regions !== undefined && regions.size > MAX_REGIONS) {
    mistakes.push(`Set DIT_REGIONS to ${MAX_REGIONS} regions at most: clients refuse a directory of more.`);
  }
  if (regions !== undefined && !regions.has(own)) {
    mistakes.push("Set DIT_REGION to the name that this deployment has in DIT_REGIONS.");
  }
  // The same list serves every region; its own name in it is passed over.
  regions?.delete(own);
  if (
    !development &&
    regions?.values().some((url) => !/^https:|^http:\/\/(?:localhost|127\.0\.0\.1)[:/]/.test(url + "/"))
  ) {
    mistakes.push("Set DIT_REGIONS to https URLs: the secret of the hop must not travel in the clear.");
  }
  return { regions: regions ?? new Map(), regionToken };
}

/** An address to listen on, or a name that stands for one. */
function readAddress(value: string | undefined, mistakes: string[]): string | undefined {
  if (value === undefined || /^(?:[0-9a-f]*:[0-9a-f:.]*|[a-z0-9.-]+)$/i.test(value)) return value;
  mistakes.push("Set HOST to the address of an interface, such as 127.0.0.1, 0.0.0.0 or ::.");
  return undefined;
}

function readThrottle(value: string | undefined, development: boolean, mistakes: string[]): number {
  // In development all clients share this machine's address.
  if (value === undefined) return development ? 10_000 : 100;
  if (/^[1-9][0-9]{0,6}$/.test(value)) return Number(value);
  mistakes.push(
    "Set DIT_THROTTLE to the requests a second that one address may keep up, or leave it out for 100.",
  );
  return 100;
}

function readSealKeys(
  value: string | undefined,
  optional: boolean,
  mistakes: string[],
): Uint8Array<ArrayBuffer>[] | undefined {
  if (value === undefined || value === "") {
    if (!optional) {
      mistakes.push(
        "Set DIT_SEAL_KEYS to the base64 of 32 random bytes (openssl rand -base64 32); keep it safe.",
      );
    }
    return undefined;
  }
  try {
    const keys = value.split(",").map((key) => Uint8Array.fromBase64(key.trim()));
    if (keys.every((key) => key.length === 32)) return keys;
  } catch {
    // Falls through to the same sentence: the value itself must not be shown.
  }
  mistakes.push("Set DIT_SEAL_KEYS to base64 of exactly 32 bytes each, newest first, separated by commas.");
  return undefined;
}
