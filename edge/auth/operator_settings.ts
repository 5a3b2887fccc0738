/**
 * Who may operate the service, as the parts of the edge are told it.
 *
 * @module
 */
import type { OperatorTokens } from "./operator.ts";

/** Operators who sign in at an identity provider (OpenID Connect). */
export interface OidcSettings {
  /** The provider's issuer URL. */
  readonly issuer: string;
  /** The name under which the provider knows the console. */
  readonly clientId: string;
  /** The console's secret there; absent for a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  /**
   * Who may act: verified e-mail addresses, subjects, and `group:` with the name of a group that the provider's claim
   * `groups` lists.
   */
  readonly admins: ReadonlySet<string>;
  /** The same of those that may look; `*` is everybody whom the provider lets in. */
  readonly readers: ReadonlySet<string>;
  /** The same of those that see releases and schemas alone. */
  readonly analysts: ReadonlySet<string>;
}

/** Who may operate the service. Where nothing is set nobody may, and there are no routes for it. */
export interface OperatorSettings {
  /** SHA-256 of the token that may act; undefined: none may (development makes one). */
  readonly adminTokenSha256: Uint8Array | undefined;
  /** SHA-256 of the token that may look. */
  readonly readerTokenSha256: Uint8Array | undefined;
  /** SHA-256 of the token that sees releases and schemas alone. */
  readonly analystTokenSha256: Uint8Array | undefined;
  /** The identity provider. */
  readonly oidc: OidcSettings | undefined;
}

/** Their tokens by role. */
export function tokensOf(
  { adminTokenSha256: admin, readerTokenSha256: reader, analystTokenSha256: analyst }: Partial<
    OperatorSettings
  >,
): OperatorTokens {
  return { admin, reader, analyst };
}

/** Whether somebody may operate the service. */
export function hasOperators({ oidc, ...tokens }: OperatorSettings): boolean {
  return oidc !== undefined || Object.values(tokensOf(tokens)).some((digest) => digest !== undefined);
}
