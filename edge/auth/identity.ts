/**
 * Who somebody is by the claims of an ID token, and which entries of the settings mean them.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { isWellFormed, utf8 } from "../../core/base/bytes.ts";
import { visibleName } from "../../core/base/visible_text.ts";
import type { SignedIn } from "./operator.ts";
import { type EntryClaim, mayAs, nameOf, type OperatorEntry } from "./operator_entries.ts";

/** Claims of an ID token, as the provider fills them. */
export interface IdentityClaims {
  /** The subject, which the provider gives to nobody else, ever. */
  readonly sub: string;
  /** An address. */
  readonly email?: unknown;
  /** Whether the provider has seen that it is theirs. */
  readonly email_verified?: unknown;
  /** Names of groups. */
  readonly groups?: unknown;
}

/** Longest name that is kept as it is. It goes into a cookie, of which browsers keep 4,096 characters. */
const MAX_NAME_LENGTH = 160;
/** Characters that are kept of a longer one, before its digest. */
const KEPT_LENGTH = 100;

/**
 * Finds who somebody is. Nobody's entries are none: the provider knows them, and they are no operator.
 * @throws {Error} If a claim cannot be compared.
 */
export function identify(claims: IdentityClaims, settings: readonly OperatorEntry[]): SignedIn {
  const { sub, email, email_verified, groups } = claims;
  if (sub === "") throw new Error("The ID token names nobody.");
  // An address that nobody has verified can be anybody's.
  const address = typeof email === "string" && email_verified === true ? email : undefined;
  const said: Readonly<Record<EntryClaim, readonly string[]>> = {
    email: address === undefined ? [] : [address],
    sub: [sub],
    group: groupsOf(groups),
    "*": [""],
    token: [],
  };
  if (!Object.values(said).flat().every(isWellFormed)) {
    throw new Error("A claim of the ID token holds a lone surrogate.");
  }
  const entries = settings.filter(({ claim, value }) => said[claim].includes(value));
  const [best] = entries.toSorted((a, b) => mayAs(a.role, b.role) ? -1 : 1);
  const isNamed = best?.claim === "email" || best?.claim === "sub";
  const name = isNamed
    ? nameOf(best)
    : nameOf(address === undefined ? { claim: "sub", value: sub } : { claim: "email", value: address });
  const by = best === undefined || isNamed ? undefined : nameShown(nameOf(best));
  return { name: nameShown(name), by, via: "console", entries };
}

/**
 * A name as it is kept. Those of two people are never the same: whatever is made visible in one, or cut off, begins with a
 * backslash, and a backslash that the name itself has stands twice.
 */
function nameShown(name: string): string {
  const shown = visibleName(name.replaceAll("\\", "\\\\"));
  if (shown.length <= MAX_NAME_LENGTH) return shown;
  const kept = shown.slice(0, KEPT_LENGTH).replace(/\\+$/, "");
  return `${kept}\\... SHA-256 ${sha256(utf8(name)).toHex().slice(0, 32)}`;
}

/** The names of a claim `groups`, which providers fill as they are set up; whatever else it is names none. */
function groupsOf(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter((group) => typeof group === "string") : [];
}
