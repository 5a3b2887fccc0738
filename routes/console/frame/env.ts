/**
 * What the console's handlers are given.
 *
 * @module
 */
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import type { RefusedAttempts } from "../../../core/operations/refused_attempts.ts";
import type { Server } from "../../../core/service.ts";
import type { ConsoleSession, ConsoleSessions } from "../../../edge/auth/console_sessions.ts";
import type { OidcSignIn } from "../../../edge/auth/oidc.ts";
import type { OperatorTokens } from "../../../edge/auth/operator.ts";

/** What the console is made of. */
export interface ConsoleOptions {
  /** The server that it shows. */
  readonly service: Server;
  /** The tokens that sign in. */
  readonly tokens: OperatorTokens;
  /** Writes down what operators attempt and may not. */
  readonly attempts: RefusedAttempts;
  /** Opens and reads sessions. */
  readonly sessions: ConsoleSessions;
  /** The identity provider, where there is one. */
  readonly oidc?: OidcSignIn | undefined;
  /** Whether it collects anything: an ACS alone has neither stops to lift nor releases. */
  readonly collects: boolean;
  /** Whether cookies are for HTTPS alone; false in development. */
  readonly secure: boolean;
  /** Ends the live views, when the process is told to stop. */
  readonly stopped: AbortSignal;
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

/** What a page tells its frame; the rest the frame knows. */
export interface Shown {
  /** What it is about. */
  readonly title: string;
  /** The application that it shows; pages of all show none. */
  readonly app?: string;
  /** Whether its parts are replaced while somebody looks. */
  readonly isLive?: boolean;
}

/** Shows a page in its frame. */
export type Show = (c: Context<ConsoleEnv>, shown: Shown, page: Child) => Response | Promise<Response>;
