/**
 * Who may operate the service, as the parts of the edge are told it.
 *
 * @module
 */
import { entriesOfTokens, hasTokens, type OperatorTokens } from "./operator.ts";
import type { OperatorEntry } from "./operator_entries.ts";

/** Operators who sign in at an identity provider (OpenID Connect). */
export interface OidcSettings {
  /** The provider's issuer URL. */
  readonly issuer: string;
  /** The name under which the provider knows the console. */
  readonly clientId: string;
  /** The console's secret there; absent for a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  /** Whom of its people the settings mean, in the order of the lists. */
  readonly entries: readonly OperatorEntry[];
}

/** Who may operate the service. Where nothing is set nobody may, and there are no routes for it. */
export interface OperatorSettings {
  /** SHA-256 of the token that may act; undefined: none may (development makes one). */
  readonly adminTokenSha256: Uint8Array | undefined;
  /** SHA-256 of the token that may look. */
  readonly readerTokenSha256: Uint8Array | undefined;
  /** SHA-256 of the token that sees releases and schemas alone. */
  readonly analystTokenSha256: Uint8Array | undefined;
  /** The applications that these tokens hold for; all where nothing is said. */
  readonly tokenScopes?: OperatorTokens["scopes"];
  /** The identity provider. */
  readonly oidc: OidcSettings | undefined;
}

/** Their tokens by role. */
export function tokensOf(
  { adminTokenSha256: admin, readerTokenSha256: reader, analystTokenSha256: analyst, tokenScopes: scopes }:
    Partial<OperatorSettings>,
): OperatorTokens {
  return { admin, reader, analyst, scopes };
}

/** All entries of the settings: those of tokens, then those of the identity provider's people. */
export function entriesOf(operators: Partial<OperatorSettings>): readonly OperatorEntry[] {
  return [...entriesOfTokens(tokensOf(operators)), ...operators.oidc?.entries ?? []];
}

/** Whether somebody may operate the service. */
export function hasOperators(operators: OperatorSettings): boolean {
  return operators.oidc !== undefined || hasTokens(tokensOf(operators));
}
