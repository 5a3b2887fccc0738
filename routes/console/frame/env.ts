/**
 * What the console's handlers are given.
 *
 * @module
 */
import type { Server } from "../../../core/service.ts";
import type { ConsoleSession, ConsoleSessions } from "../../../edge/auth/console_sessions.ts";
import type { OidcSignIn } from "../../../edge/auth/oidc.ts";
import type { Operator, OperatorTokens } from "../../../edge/auth/operator.ts";

/** What the console is made of. */
export interface ConsoleOptions {
  /** The server that it shows. */
  readonly service: Server;
  /** The tokens that sign in. */
  readonly tokens: OperatorTokens;
  /** Opens and reads sessions. */
  readonly sessions: ConsoleSessions;
  /** The identity provider, where there is one. */
  readonly oidc?: OidcSignIn;
  /** Whether cookies are for HTTPS alone; false in development. */
  readonly secure: boolean;
  /** Ends the live views, when the process is told to stop. */
  readonly stopped: AbortSignal;
  /** Calls the admin API of this very process as an operator who is signed in. */
  readonly callAdmin: (path: string, init: RequestInit, operator: Operator) => Response | Promise<Response>;
}

/** The environment of the console's handlers. */
export interface ConsoleEnv {
  Variables: {
    /** The session that the guard has read. */
    session: ConsoleSession;
    /** The fields of a form whose token the guard has checked. */
    form: Readonly<Record<string, string>>;
  };
}
