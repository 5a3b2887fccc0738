/**
 * Who may operate the service, as the parts of the edge are told it.
 *
 * @module
 */

/** Operators who sign in at an identity provider (OpenID Connect). */
export interface OidcSettings {
  /** The provider's issuer URL. */
  readonly issuer: string;
  /** The name under which the provider knows the console. */
  readonly clientId: string;
  /** The console's secret there; absent for a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  /** Verified e-mail addresses, or subjects, that may act. */
  readonly admins: ReadonlySet<string>;
  /** The same of those that may look; `*` is everybody whom the provider lets in. */
  readonly readers: ReadonlySet<string>;
}

/** Who may operate the service. Where nothing is set nobody may, and there are no routes for it. */
export interface OperatorSettings {
  /** SHA-256 of the token that may act; undefined: none may (development makes one). */
  readonly adminTokenSha256: Uint8Array | undefined;
  /** SHA-256 of the token that may look. */
  readonly readerTokenSha256: Uint8Array | undefined;
  /** The identity provider. */
  readonly oidc: OidcSettings | undefined;
}
