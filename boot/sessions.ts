/**
 * The sign-in of every application, and the secrets of development.
 *
 * @module
 */
import type { Deployment } from "../core/config/types.ts";
import { developmentSecret } from "./development_secrets.ts";
import { createSessionAuthenticator, type SessionAuthenticator } from "../edge/auth/session.ts";

/** The sign-ins of a deployment. */
export interface Sessions {
  /** Who may have tokens, by application. */
  readonly authenticators: ReadonlyMap<string, SessionAuthenticator>;
  /** The value of a secret: from the environment or, in development, made. */
  readonly secret: (name: string) => string | undefined;
}

/**
 * Opens the sign-ins. `get` gives the environment's values; development makes the secrets that it does not have.
 * @throws {SessionSetupError} If an application's secret is missing or its key cannot be read.
 */
export async function openSessions(
  deployment: Deployment,
  development: boolean,
  get: (name: string) => string | undefined,
): Promise<Sessions> {
  const made = new Map<string, string>();
  for (const { session: { key } } of deployment.applications.values()) {
    if (!development || key.kind !== "hs256") continue;
    made.set(key.secretEnv, (await developmentSecret(key.secretEnv.toLowerCase(), 32)).toHex());
  }
  const secret = (name: string) => get(name) ?? made.get(name);
  const authenticators = await Promise.all(
    [...deployment.applications].map(async ([id, app]) =>
      [id, await createSessionAuthenticator(app, { secret, fetch })] as const
    ),
  );
  return { authenticators: new Map(authenticators), secret };
}
