/**
 * What the console needs of the environment.
 *
 * @module
 */
import { utf8 } from "../core/base/bytes.ts";
import type { Server } from "../core/service.ts";
import type { RandomSource } from "../core/base/random.ts";
import { Admission } from "../edge/admission.ts";
import { tokenDigest } from "../edge/auth/bearer.ts";
import { consoleKey, ConsoleSessions } from "../edge/auth/console_sessions.ts";
import { developmentSecret } from "./development_secrets.ts";
import type { Settings } from "./settings.ts";
import { OidcSignIn } from "../edge/auth/oidc.ts";
import type { OperatorSettings } from "../edge/auth/operator_settings.ts";

/** The parts of the console that are not its pages. */
export interface OpenConsole {
  /** Opens and reads sessions. */
  readonly sessions: ConsoleSessions;
  /** The identity provider, where there is one. */
  readonly oidc?: OidcSignIn;
  /** Whether cookies are for HTTPS alone. */
  readonly secure: boolean;
}

/** Who may operate the service. Development makes an admin token where none is named, and keeps it in `.dit/`. */
export async function openOperators(
  { development, adminTokenSha256, readerTokenSha256, oidc }: Settings,
): Promise<OperatorSettings & { readonly adminToken?: string }> {
  if (!development || adminTokenSha256 !== undefined) return { adminTokenSha256, readerTokenSha256, oidc };
  const adminToken = (await developmentSecret("admin_token", 32)).toBase64();
  return { adminToken, adminTokenSha256: tokenDigest(adminToken), readerTokenSha256, oidc };
}

/** Opens the console, where somebody may operate the service; its sessions hold in every process. */
export async function openConsole(
  settings: Settings,
  operators: OperatorSettings,
  server: Pick<Server, "deployment" | "store" | "auditLog" | "random" | "now">,
): Promise<OpenConsole | undefined> {
  const { adminTokenSha256, readerTokenSha256, oidc } = operators;
  if (adminTokenSha256 === undefined && readerTokenSha256 === undefined && oidc === undefined) {
    return undefined;
  }
  const key = consoleKey(await sharedSecret(settings, server), operators);
  return {
    sessions: new ConsoleSessions({ ...server, key }),
    ...(oidc === undefined ? {} : { oidc: new OidcSignIn(oidc, fetch) }),
    secure: !settings.development,
  };
}

/** A secret that all processes of this deployment have: a sealing key, or what a log server shows its ACS. */
async function sharedSecret(
  { development, sealKeys, acs }: Settings,
  { deployment, random }: Pick<Server, "deployment" | "random">,
): Promise<Uint8Array> {
  if (sealKeys?.[0] !== undefined) return sealKeys[0];
  if (acs === undefined) {
    return development ? await developmentSecret("seal_key", 32) : random(32);
  }
  const tokens = [...deployment.applications.keys()].map(acs.tokenOf);
  // An application without a token is no secret: then sessions hold in this process alone.
  return tokens.some((token) => token.length < 32) ? random(32) : utf8(tokens.join(" "));
}

/** Ten attempts to sign in from one network, then one in ten seconds. */
export const SIGN_IN_THROTTLE = { requestsPerSecond: 0.1, burst: 10, maxConcurrentPerAddress: 4 } as const;

/** The throttle of attempts to sign in. */
export function signInAdmission(random: RandomSource, settings: Settings): Admission {
  return new Admission(random, { ...settings, ...SIGN_IN_THROTTLE });
}
