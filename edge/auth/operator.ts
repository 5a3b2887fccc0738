/**
 * Who operates the service, and what the role allows.
 *
 * @module
 */
import type { Actor, Via } from "../../core/operations/audit_log.ts";
import { isBearerOf } from "./bearer.ts";

/** The roles, from the one that may least: each may what those before it may. */
const ROLES = ["analyst", "reader", "admin"] as const;

/**
 * An analyst sees what is released and what is collected; a reader everything but raw records, exact figures too; an
 * admin may act.
 */
export type OperatorRole = typeof ROLES[number];

/** Whether a role may what `least` may. */
export function mayAs(role: OperatorRole, least: OperatorRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

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
  /** Of the token that sees releases and schemas alone. */
  readonly analyst?: Uint8Array | undefined;
}

/** The operator whose `Authorization: Bearer` token this is. */
export function operatorOf(
  authorization: string | null,
  tokens: OperatorTokens,
  via: Via,
): Operator | undefined {
  // All are always compared, so that the time it takes does not tell which one was nearly met.
  const met = ROLES.filter((role) => {
    const digest = tokens[role];
    return digest !== undefined && isBearerOf(authorization, digest);
  });
  const role = met.at(-1);
  return role === undefined ? undefined : { name: `${role} token`, role, via };
}

/** What handlers find in the context of a request of an operator. */
export interface OperatorEnv {
  /** Set by the guard. */
  Variables: { operator: Operator };
}
