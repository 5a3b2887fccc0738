/**
 * Entries of the lists of operators: who is meant, by which claim, as what, and for which applications.
 *
 * @module
 */

/** The roles, from the one that may least: each may what those before it may. */
export const ROLES = ["analyst", "reader", "admin"] as const;

/**
 * An analyst sees what is released and what is collected; a reader everything but raw records, exact figures too; an
 * admin may act.
 */
export type OperatorRole = typeof ROLES[number];

/** Whether a role may what `least` may. */
export function mayAs(role: OperatorRole, least: OperatorRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** What an entry goes by: claims of an ID token, everybody whom the identity provider lets in, or a token of the settings. */
export type EntryClaim = "email" | "sub" | "group" | "*" | "token";

/** An entry of the lists. */
export interface OperatorEntry {
  /** What whom it means may do. */
  readonly role: OperatorRole;
  /** The claim that it goes by: a value of one claim never stands for a value of another. */
  readonly claim: EntryClaim;
  /** The claim's value; of a token its role; empty with `*`. */
  readonly value: string;
  /** The applications that it holds for; undefined: all, and what is of none in particular. */
  readonly apps?: ReadonlySet<string> | undefined;
}

/** An entry as the settings write it, without its applications: `email:alice@example.com`, `group:keepers`, `*`. */
export function nameOf({ claim, value }: Pick<OperatorEntry, "claim" | "value">): string {
  return claim === "*" ? "*" : `${claim}:${value}`;
}

/** The applications at an entry's end, behind ` for `. */
const SCOPE = / +for +([a-z0-9+-]+)$/;

/** Splits `email:alice@example.com for notes+vault` into who is meant and the applications; undefined: all. */
export function splitScope(text: string): { readonly who: string; readonly apps?: ReadonlySet<string> } {
  const scope = SCOPE.exec(text);
  if (scope === null) return { who: text };
  return { who: text.slice(0, scope.index), apps: new Set(scope[1]?.split("+")) };
}

/** A ` for` that is no scope: another operator would be meant than whoever wrote it thinks. */
const BROKEN_SCOPE = / for(?: |$)/i;

/** Whether what stands behind a ` for` of an entry is no list of applications. */
export function hasBrokenScope(text: string): boolean {
  return BROKEN_SCOPE.test(splitScope(text).who);
}

/** Parses an entry of a list of the identity provider's people. Undefined where it does not say which claim it goes by, or for what. */
export function parseEntry(text: string, role: OperatorRole): OperatorEntry | undefined {
  const { who, apps } = splitScope(text);
  if (hasBrokenScope(text)) return undefined;
  if (who === "*") return { role, claim: "*", value: "", apps };
  const [, claim, value = ""] = /^(email|sub|group):(.+)$/.exec(who) ?? [];
  if (claim === undefined || claim === "email" && !/^[^@\s]+@[^@\s]+$/.test(value)) return undefined;
  return { role, claim: claim as EntryClaim, value, apps };
}
