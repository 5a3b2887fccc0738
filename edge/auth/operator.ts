/**
 * Who operates the service, and what their roles allow for which applications.
 *
 * @module
 */
import type { Actor, Via } from "../../core/operations/audit_log.ts";
import { Refusal } from "../../core/base/errors.ts";
import { isBearerOf } from "./bearer.ts";
import { mayAs, nameOf, type OperatorEntry, type OperatorRole, ROLES } from "./operator_entries.ts";

/** Somebody who has shown a token, or signed in to the console. */
export interface SignedIn extends Actor {
  /** The entries of the settings that mean them, at least one. */
  readonly entries: readonly OperatorEntry[];
}

/** An operator as a request of theirs is answered. */
export interface Operator extends Actor {
  /** What they may do where the request goes. */
  readonly role: OperatorRole;
  /** The applications that they may ask that about; undefined: all. */
  readonly apps?: ReadonlySet<string> | undefined;
}

/**
 * What a request is about: one application, each of them by itself (a list, of which one sees one's own), or the service
 * as a whole.
 */
export type About = { readonly app: string } | "each" | "whole";

/** What is asked for. */
export interface Asked {
  /** What it is about. */
  readonly about: About;
  /** The least role that may ask for it. */
  readonly least: OperatorRole;
}

/**
 * The operator for what is asked: the one place that decides about roles and applications, for the API and the console.
 * @throws {Refusal} `app_unknown` for an application that is not theirs, as for one that does not exist;
 * `role_insufficient`.
 */
export function operatorFor({ entries, ...actor }: SignedIn, { about, least }: Asked): Operator {
  const meant = entries.filter(({ apps, role }) => {
    if (about === "each") return mayAs(role, least);
    return apps === undefined || about !== "whole" && apps.has(about.app);
  });
  const role = highestOf(meant);
  if (role === undefined) {
    if (about === "each") throw new Refusal("role_insufficient", MAY[highestOf(entries) ?? "analyst"]);
    if (about === "whole") throw new Refusal("role_insufficient", FOR_SOME);
    throw new Refusal("app_unknown", "There is no such application.");
  }
  if (!mayAs(role, least)) throw new Refusal("role_insufficient", MAY[role]);
  return { ...actor, role, apps: about === "each" ? appsOf(meant) : undefined };
}

/** The same as {@linkcode operatorFor}; undefined instead of a refusal. */
export function operatorIfAny(signedIn: SignedIn, asked: Asked): Operator | undefined {
  try {
    return operatorFor(signedIn, asked);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Whether an operator may ask about an application, as far as the request at hand goes. */
export function isTheirs({ apps }: Pick<Operator, "apps">, app: string): boolean {
  return apps === undefined || apps.has(app);
}

function highestOf(entries: readonly OperatorEntry[]): OperatorRole | undefined {
  return ROLES.findLast((role) => entries.some((entry) => entry.role === role));
}

function appsOf(entries: readonly OperatorEntry[]): ReadonlySet<string> | undefined {
  if (entries.some(({ apps }) => apps === undefined)) return undefined;
  return new Set(entries.flatMap(({ apps }) => [...apps ?? []]));
}

/** What a role may, to whom it is not enough. */
const MAY: Readonly<Record<OperatorRole, string>> = {
  analyst: "This role sees releases and schemas, and nothing else.",
  reader: "This role may look, and not act.",
  admin: "This role may everything.",
};
const FOR_SOME = "This is about all applications, and you are an operator of some.";

/** The tokens by which operators are known. */
export interface OperatorTokens {
  /** SHA-256 of the token that may act, 32 bytes. */
  readonly admin?: Uint8Array | undefined;
  /** Of the token that may only look. */
  readonly reader?: Uint8Array | undefined;
  /** Of the token that sees releases and schemas alone. */
  readonly analyst?: Uint8Array | undefined;
  /** The applications that a token holds for; all where nothing is said. */
  readonly scopes?: Readonly<Partial<Record<OperatorRole, ReadonlySet<string>>>> | undefined;
}

/** Whether there is any. */
export function hasTokens(tokens: OperatorTokens): boolean {
  return ROLES.some((role) => tokens[role] !== undefined);
}

/** The entries that tokens are, one a role. */
export function entriesOfTokens(tokens: OperatorTokens): OperatorEntry[] {
  return ROLES.filter((role) => tokens[role] !== undefined)
    .map((role) => ({ role, claim: "token", value: role, apps: tokens.scopes?.[role] }));
}

/** Whose `Authorization: Bearer` token this is. */
export function operatorOf(
  authorization: string | null,
  tokens: OperatorTokens,
  via: Via,
): SignedIn | undefined {
  // All are always compared, so that the time it takes does not tell which one was nearly met.
  const met = entriesOfTokens(tokens).filter(({ role }) => {
    const digest = tokens[role];
    return digest !== undefined && isBearerOf(authorization, digest);
  });
  const entry = met.at(-1);
  return entry === undefined ? undefined : { name: nameOf(entry), via, entries: [entry] };
}

/** What handlers find in the context of a request of an operator. */
export interface OperatorEnv {
  /** Set by the guard. */
  Variables: { operator: Operator };
}
