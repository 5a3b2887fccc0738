/**
 * Who operates the service, and what the role allows.
 *
 * @module
 */
import type { Actor, Via } from "../../core/operations/audit_log.ts";
import { isBearerOf } from "./bearer.ts";

/** An admin may act; a reader may look at everything but raw records. */
export type OperatorRole = "admin" | "reader";

/** Somebody who has shown a token, or signed in to the console. */
export interface Operator extends Actor {
  /** What they may do. */
  readonly role: OperatorRole;
}

/** SHA-256 of the tokens by which operators are known, 32 bytes each. */
export interface OperatorTokens {
  /** Of the token that may act. */
  readonly admin?: Uint8Array | undefined;
  /** Of the token that may only look. */
  readonly reader?: Uint8Array | undefined;
}

/** The operator whose `Authorization: Bearer` token this is. */
export function operatorOf(
  authorization: string | null,
  tokens: OperatorTokens,
  via: Via,
): Operator | undefined {
  // Both are always compared, so that the time it takes does not tell which one was nearly met.
  const isAdmin = tokens.admin !== undefined && isBearerOf(authorization, tokens.admin);
  const isReader = tokens.reader !== undefined && isBearerOf(authorization, tokens.reader);
  if (isAdmin) return { name: "admin token", role: "admin", via };
  return isReader ? { name: "reader token", role: "reader", via } : undefined;
}

/** What handlers find in the context of a request of an operator. */
export interface OperatorEnv {
  /** Set by the guard. */
  Variables: { operator: Operator };
}
