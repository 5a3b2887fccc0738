/**
 * What the console has besides its pages.
 *
 * @module
 */
import type { Server } from "../core/service.ts";
import { consoleKey, ConsoleSessions } from "../edge/auth/console_sessions.ts";
import { entriesOf, hasOperators } from "../edge/auth/operator_settings.ts";
import { OidcSignIn } from "../edge/auth/oidc.ts";
import type { AppOptions } from "../routes/app.ts";
import type { Secrets } from "./secrets.ts";

/** What the console is made with. */
export interface ConsolePartsOptions {
  /** The server that it shows. */
  readonly service: Server;
  /** Who may sign in. */
  readonly secrets: Secrets;
  /** Whether it is development, where cookies need no HTTPS. */
  readonly development: boolean;
  /** Reaches the identity provider. */
  readonly fetch: typeof fetch;
  /** A clock that nobody sets, in seconds. */
  readonly steady: () => number;
  /** Ends live views. */
  readonly stopped: AbortSignal;
}

/** The parts of the console; undefined where nobody may operate the service. Its sessions hold in every process. */
export function consoleParts(
  { service, secrets: { sealKeys, operators }, development, fetch, steady, stopped }: ConsolePartsOptions,
): AppOptions["console"] {
  if (!hasOperators(operators)) return undefined;
  const { oidc } = operators;
  return {
    sessions: new ConsoleSessions({
      ...service,
      key: consoleKey(sealKeys[0], operators),
      entries: entriesOf(operators),
    }),
    oidc: oidc && new OidcSignIn(oidc, { fetch, now: () => steady() * 1_000 }),
    secure: !development,
    stopped,
  };
}
