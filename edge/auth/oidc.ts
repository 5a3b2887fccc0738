/**
 * Signing operators in at an identity provider: OpenID Connect's authorization code flow with PKCE, by oauth4webapi.
 *
 * @module
 */
import * as oauth from "oauth4webapi";
import { isWellFormed } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { OperatorRole } from "./operator.ts";
import type { OidcSettings } from "./operator_settings.ts";

/** Milliseconds that the identity provider may take for one answer. */
const PROVIDER_MS = 10_000;
/** Milliseconds that what the provider says of itself is used. */
const DISCOVERY_MS = 3_600_000;

/** What the browser keeps, signed, between the start and the end of a sign-in. */
export interface PendingSignIn {
  /** Comes back in the URL. */
  readonly state: string;
  /** Comes back in the ID token. */
  readonly nonce: string;
  /** Shows the provider that the one who started also ends (RFC 7636). */
  readonly verifier: string;
}

/** Who signed in, and what they may do. */
export interface Identity {
  /** A verified e-mail address, or the subject. */
  readonly name: string;
  /** Undefined: the provider knows them, and they are no operator. */
  readonly role: OperatorRole | undefined;
}

/** Signs operators in at one provider. */
export class OidcSignIn {
  #provider: { readonly server: oauth.AuthorizationServer; readonly readAt: number } | undefined;
  readonly #settings: OidcSettings;
  readonly #fetch: typeof globalThis.fetch;
  readonly #client: oauth.Client;

  /** Nothing is asked of the provider before somebody signs in. */
  constructor(settings: OidcSettings, fetch: typeof globalThis.fetch) {
    this.#settings = settings;
    this.#fetch = fetch;
    this.#client = { client_id: settings.clientId };
  }

  /**
   * Starts a sign-in that is to come back to `redirectUri`.
   * @throws {Refusal} `sessions_unavailable` when the provider cannot be reached.
   */
  async begin(redirectUri: string): Promise<{ url: URL; pending: PendingSignIn }> {
    const server = await this.#discover();
    const pending = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
    };
    if (server.authorization_endpoint === undefined) {
      throw new Refusal("sessions_unavailable", "The identity provider names no page to sign in at.");
    }
    const url = new URL(server.authorization_endpoint);
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
   * Ends a sign-in with the parameters that the browser came back with.
   * @throws {Refusal} `admin_token_invalid` when anything about it does not fit; `sessions_unavailable`.
   */
  async finish(
    parameters: URLSearchParams,
    pending: PendingSignIn,
    redirectUri: string,
  ): Promise<Identity> {
    const server = await this.#discover();
    try {
      const checked = oauth.validateAuthResponse(server, this.#client, parameters, pending.state);
      const { clientSecret } = this.#settings;
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        this.#client,
        clientSecret === undefined ? oauth.None() : oauth.ClientSecretPost(clientSecret),
        checked,
        redirectUri,
        pending.verifier,
        this.#options(),
      );
      const tokens = await oauth.processAuthorizationCodeResponse(server, this.#client, response, {
        expectedNonce: pending.nonce,
        requireIdToken: true,
      });
      // The token came over TLS from the provider itself; its signature is checked all the same.
      await oauth.validateApplicationLevelSignature(server, response, this.#options());
      const claims = oauth.getValidatedIdTokenClaims(tokens);
      if (claims === undefined) throw new Error("An ID token was required, and none was checked.");
      return this.#identify(claims);
    } catch (error) {
      if (isUnreachable(error)) throw providerUnavailable();
      throw new Refusal("admin_token_invalid", "The identity provider did not sign you in; start again.");
    }
  }

  #identify({ sub, email, email_verified, groups }: oauth.IDToken): Identity {
    const { admins, readers, analysts } = this.#settings;
    // An address that nobody has verified can be anybody's.
    const address = typeof email === "string" && email_verified === true ? email : undefined;
    const names = [sub, ...(address === undefined ? [] : [address])].filter((name) =>
      !/^(?:group:|\*)/.test(name)
    );
    if (!names.every(isWellFormed)) throw new Error("A name of the ID token holds a lone surrogate.");
    // The prefix keeps a group from being taken for a person who has its name.
    const entries = ["*", ...names, ...groupsOf(groups).map((group) => `group:${group}`)];
    const isIn = (list: ReadonlySet<string>) => entries.some((entry) => list.has(entry));
    const role = isIn(admins) ? "admin" : isIn(readers) ? "reader" : isIn(analysts) ? "analyst" : undefined;
    return { name: address ?? sub, role };
  }

  async #discover(): Promise<oauth.AuthorizationServer> {
    if (this.#provider !== undefined && performance.now() - this.#provider.readAt < DISCOVERY_MS) {
      return this.#provider.server;
    }
    const issuer = new URL(this.#settings.issuer);
    try {
      const response = await oauth.discoveryRequest(issuer, { ...this.#options(), algorithm: "oidc" });
      const server = await oauth.processDiscoveryResponse(issuer, response);
      this.#provider = { server, readAt: performance.now() };
      return server;
    } catch {
      throw providerUnavailable();
    }
  }

  #options() {
    return {
      [oauth.customFetch]: this.#fetch as never,
      // Settings let http:// pass in development only, and only on this machine.
      [oauth.allowInsecureRequests]: this.#settings.issuer.startsWith("http://"),
      signal: () => AbortSignal.timeout(PROVIDER_MS),
    };
  }
}

/** The names of a claim `groups`, which providers fill as they are set up; whatever else it is names none. */
function groupsOf(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter((group) => typeof group === "string") : [];
}

function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError || (error as Error)?.name === "TimeoutError";
}

function providerUnavailable(): Refusal {
  return new Refusal("sessions_unavailable", "The identity provider does not answer; try again.", {
    retryAfterSeconds: 5,
  });
}
