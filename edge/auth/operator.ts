/**
 * Who operates the service, and what the role allows.
 *
 * @module
 */
import type { Via } from "../../core/operations/audit_log.ts";
import { isBearerOf } from "./bearer.ts";

/** An admin may act; a reader may look at everything but raw records. */
export type OperatorRole = "admin" | "reader";

/** Somebody who has shown a token, or signed in to the console. */
export interface Operator {
  /** `admin token`, `reader token`, or the name that the identity provider vouches for. */
  readonly name: string;
  /** What he may do. */
  readonly role: OperatorRole;
  /** How he reached the service. */
  readonly via: Via;
}

/** SHA-256 of the tokens by which operators are known, 32 bytes each. */
export interface OperatorTokens {
  /** Of the token that may act. */
  readonly admin?: Uint8Array;
  /** Of the token that may only look. */
  readonly reader?: Uint8Array;
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

/** What handlers find in the context of a request of an operator; `Bindings` only come from inside the process. */
export interface OperatorEnv {
  /** Handed over by the console, which has signed the operator in already. */
  Bindings: { operator?: Operator };
  /** Set by the guard. */
  Variables: { operator: Operator };
}
