/**
 * What this process knows and nobody else may: read from the environment or, in development, made once and kept in
 * `.dit/`.
 *
 * @module
 */
import type { Deployment } from "../core/config/types.ts";
import { tokenDigest } from "../edge/auth/bearer.ts";
import type { OperatorSettings } from "../edge/auth/operator_settings.ts";
import { developmentSecret, readDevelopmentSecret } from "./development_secrets.ts";
import type { Settings } from "./settings.ts";

/** The secrets of a service. */
export interface Secrets {
  /** What seals secrets in the store: 32 bytes each, newest first. */
  readonly sealKeys: readonly [Uint8Array<ArrayBuffer>, ...Uint8Array<ArrayBuffer>[]];
  /** The value of a secret that the configuration names, such as the one that signs an application's sessions. */
  readonly named: (name: string) => string | undefined;
  /** Who may operate the service. */
  readonly operators: OperatorSettings;
  /** The admin token that development has made; absent where the environment says its digest. */
  readonly adminToken?: string | undefined;
}

/** Reads the secrets. `environment` gives the values of variables; development makes what they do not say. */
export async function readSecrets(
  settings: Settings,
  deployment: Deployment,
  environment: (name: string) => string | undefined,
): Promise<Secrets> {
  const { development, adminTokenSha256, readerTokenSha256, analystTokenSha256, tokenScopes, oidc } =
    settings;
  const [newest = await developmentSecret("seal_key", 32), ...older] = settings.sealKeys ?? [];
  const made = development ? await makeSessionSecrets(settings, deployment) : new Map<string, string>();
  const adminToken = development && adminTokenSha256 === undefined
    ? (await developmentSecret("admin_token", 32)).toBase64()
    : undefined;
  return {
    sealKeys: [newest, ...older],
    named: (name) => environment(name) ?? made.get(name),
    operators: {
      adminTokenSha256: adminToken === undefined ? adminTokenSha256 : tokenDigest(adminToken),
      readerTokenSha256,
      analystTokenSha256,
      tokenScopes,
      oidc,
    },
    adminToken,
  };
}

/**
 * The sealing keys as far as they are there, newest first, for a look at the store before its start: of development's, which
 * may be still to be made, one under which nothing opens.
 */
export async function sealKeysAtHand({ sealKeys }: Settings): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  return sealKeys ??
    [await readDevelopmentSecret("seal_key", 32) ?? crypto.getRandomValues(new Uint8Array(32))];
}

/** The secrets under which development signs sessions, by the names of their variables. An ACS alone signs nobody in. */
async function makeSessionSecrets({ role }: Settings, deployment: Deployment): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  if (role === "acs") return made;
  for (const { session: { key } } of deployment.applications.values()) {
    if (key.kind !== "hs256") continue;
    made.set(key.secretEnv, (await developmentSecret(key.secretEnv.toLowerCase(), 32)).toHex());
  }
  return made;
}
