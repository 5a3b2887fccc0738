/**
 * Signing operators in at an identity provider: OpenID Connect's authorization code flow with PKCE, by oauth4webapi.
 *
 * @module
 */
import * as oauth from "oauth4webapi";
import { Refusal } from "../../core/base/errors.ts";
import { identify } from "./identity.ts";
import type { SignedIn } from "./operator.ts";
import type { OidcSettings } from "./operator_settings.ts";
import { ProviderFault, providerFetch } from "./provider_fetch.ts";

/** Milliseconds that what the provider says of itself is used. */
const DISCOVERY_MS = 3_600_000;
/** Milliseconds after a failed discovery before the next one, however many want to sign in. */
const FAILED_MS = 5_000;

/** What the browser keeps, signed, between the start and the end of a sign-in. */
export interface PendingSignIn {
  /** Comes back in the URL. */
  readonly state: string;
  /** Comes back in the ID token. */
  readonly nonce: string;
  /** Shows the provider that the one who started also ends (RFC 7636). */
  readonly verifier: string;
}

/** How the provider is asked. */
export interface OidcOptions {
  /** Reaches it. */
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds in which each answer has to arrive; 10,000 by default. */
  readonly deadlineMs?: number | undefined;
  /** Milliseconds of a steady clock. */
  readonly now?: (() => number) | undefined;
}

/** What an answer to a code has to hold, as texts, before it is looked at more closely. */
const GRANTED = ["access_token", "token_type", "id_token"] as const;

/** Signs operators in at one provider. */
export class OidcSignIn {
  #provider: { readonly server: oauth.AuthorizationServer; readonly readAt: number } | undefined;
  #reading: Promise<oauth.AuthorizationServer> | undefined;
  #failedAt = -Infinity;
  readonly #settings: OidcSettings;
  readonly #fetch: ReturnType<typeof providerFetch>;
  readonly #now: () => number;
  readonly #client: oauth.Client;

  /** Nothing is asked of the provider before somebody signs in. */
  constructor(settings: OidcSettings, { fetch, deadlineMs, now = () => performance.now() }: OidcOptions) {
    this.#settings = settings;
    this.#fetch = providerFetch(fetch, deadlineMs);
    this.#now = now;
    this.#client = { client_id: settings.clientId };
  }

  /**
   * Starts a sign-in that is to come back to `redirectUri`.
   * @throws {Refusal} `sessions_unavailable` when the provider cannot be reached, or names no page to sign in at.
   */
  async begin(redirectUri: string): Promise<{ url: URL; pending: PendingSignIn }> {
    const server = await this.#discover();
    const pending = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
    };
    const url = URL.parse(String(server.authorization_endpoint));
    if (url === null || !["https:", new URL(this.#settings.issuer).protocol].includes(url.protocol)) {
      throw new Refusal("sessions_unavailable", "The identity provider names no page to sign in at.");
    }
    const parameters = {
      client_id: this.#settings.clientId,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: "openid email",
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url, pending };
  }

  /**
   * Ends a sign-in with the parameters that the browser came back with. Whom no entry means is signed in as nobody's
   * operator.
   * @throws {Refusal} `admin_token_invalid` when anything about it does not fit; `sessions_unavailable` when the provider
   * does not do its part.
   */
  async finish(
    parameters: URLSearchParams,
    pending: PendingSignIn,
    redirectUri: string,
  ): Promise<SignedIn> {
    const server = await this.#discover();
    try {
      const checked = oauth.validateAuthResponse(server, this.#client, parameters, pending.state);
      return identify(
        await this.#exchange(server, checked, { pending, redirectUri }),
        this.#settings.entries,
      );
    } catch (error) {
      throw isProvidersFault(error) ? providerUnavailable() : notSignedIn();
    }
  }

  async #exchange(
    server: oauth.AuthorizationServer,
    checked: URLSearchParams,
    { pending, redirectUri }: { readonly pending: PendingSignIn; readonly redirectUri: string },
  ): Promise<oauth.IDToken> {
    const { clientId, clientSecret } = this.#settings;
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      this.#client,
      clientSecret === undefined ? oauth.None() : oauth.ClientSecretPost(clientSecret),
      checked,
      redirectUri,
      pending.verifier,
      this.#options(),
    );
    if (response.status === 200) {
      const answer: Partial<Record<string, unknown>> | null = await response.clone().json();
      if (!GRANTED.every((name) => typeof answer?.[name] === "string")) {
        throw new ProviderFault("The identity provider gave no tokens for a code.");
      }
    }
    const tokens = await oauth.processAuthorizationCodeResponse(server, this.#client, response, {
      expectedNonce: pending.nonce,
      requireIdToken: true,
    });
    // The token came over TLS from the provider itself; its signature is checked all the same.
    await oauth.validateApplicationLevelSignature(server, response, this.#options());
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    if (claims === undefined) throw new Error("An ID token was required, and none was checked.");
    // Whom it was made out to, where it says so (OpenID Connect Core, 3.1.3.7): with one audience, too.
    if (claims.azp !== undefined && claims.azp !== clientId) {
      throw new Error("The ID token was made out to another client.");
    }
    return claims;
  }

  async #discover(): Promise<oauth.AuthorizationServer> {
    const known = this.#provider;
    if (known !== undefined && this.#now() - known.readAt < DISCOVERY_MS) return known.server;
    if (this.#now() - this.#failedAt < FAILED_MS) throw providerUnavailable();
    this.#reading ??= this.#read().finally(() => this.#reading = undefined);
    return await this.#reading;
  }

  async #read(): Promise<oauth.AuthorizationServer> {
    const issuer = new URL(this.#settings.issuer);
    try {
      const response = await oauth.discoveryRequest(issuer, { ...this.#options(), algorithm: "oidc" });
      const server = await oauth.processDiscoveryResponse(issuer, response);
      this.#provider = { server, readAt: this.#now() };
      return server;
    } catch {
      this.#failedAt = this.#now();
      throw providerUnavailable();
    }
  }

  #options() {
    return {
      [oauth.customFetch]: this.#fetch as never,
      // Settings let http:// pass in development only, and only on this machine.
      [oauth.allowInsecureRequests]: this.#settings.issuer.startsWith("http://"),
    };
  }
}

/** What is wrong with an ID token or with what the browser brought, and not with how the provider answers. */
const NOT_SIGNED_IN: ReadonlySet<string> = new Set([
  oauth.JWT_CLAIM_COMPARISON,
  oauth.JWT_TIMESTAMP_CHECK,
  oauth.INVALID_RESPONSE,
  oauth.UNSUPPORTED_OPERATION,
]);

/** What a return without a code says of the person (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6). */
const DENIED: ReadonlySet<string> = new Set([
  "access_denied",
  "login_required",
  "interaction_required",
  "consent_required",
  "account_selection_required",
]);

/** Whether it is the provider that keeps somebody from signing in, or how the console is registered there. */
function isProvidersFault(error: unknown): boolean {
  if (error instanceof oauth.AuthorizationResponseError) return !DENIED.has(error.error);
  if (error instanceof oauth.ResponseBodyError) return error.error !== "invalid_grant";
  const isOfLibrary = error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError;
  if (isOfLibrary) return !NOT_SIGNED_IN.has(error.code ?? "") || isOfBody(error.cause);
  // What else is thrown where a provider's answer is read: it is none that anybody could read, a key that is none, or a
  // challenge to the console.
  return error instanceof ProviderFault || error instanceof TypeError || error instanceof SyntaxError ||
    error instanceof DOMException || error instanceof oauth.WWWAuthenticateChallengeError;
}

/** Whether the library complains about an answer as a whole, and not about a token in it. */
function isOfBody(cause: unknown): boolean {
  return typeof cause === "object" && cause !== null && "body" in cause;
}

function notSignedIn(): Refusal {
  return new Refusal("admin_token_invalid", "The identity provider did not sign you in; start again.");
}

function providerUnavailable(): Refusal {
  return new Refusal(
    "sessions_unavailable",
    "The identity provider does not answer as it should; try again.",
    {
      retryAfterSeconds: 5,
    },
  );
}
