/**
 * An identity provider in the smallest form that keeps OpenID Connect's rules: it checks PKCE, the redirect URI and the
 * client, and its codes count once. A test decides who signs in and what the ID token says.
 *
 * @module
 */
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** A running provider. */
export interface OidcProvider {
  readonly issuer: string;
  /** Claims of the next ID token. */
  claims: Record<string, unknown>;
  /** What is different about the next answers than the rules say. */
  readonly faults: {
    signature?: boolean;
    nonce?: boolean;
    audience?: boolean;
    issuer?: boolean;
    down?: boolean;
  };
  /** What is answered at a path instead of what the rules say; nothing by default. */
  instead: (path: string) => Response | Promise<Response> | undefined;
  /** Goes where the browser is sent to, signs in, and gives the URL that the browser is sent back to. */
  signIn(authorizationUrl: string): Promise<URL>;
  stop(): Promise<void>;
}

interface Grant {
  readonly challenge: string;
  readonly redirectUri: string;
  readonly nonce: string;
}

/** Starts a provider that knows one client. */
export async function startOidcProvider(clientId: string, clientSecret?: string): Promise<OidcProvider> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const stranger = (await generateKeyPair("ES256")).privateKey;
  const grants = new Map<string, Grant>();

  async function idToken({ nonce }: Grant): Promise<string> {
    const { faults, claims, issuer } = provider;
    return await new SignJWT({ ...claims, nonce: faults.nonce ? "another" : nonce })
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .setIssuer(faults.issuer ? "https://another.example" : issuer)
      .setAudience(faults.audience ? "another" : claims.aud as string[] | undefined ?? clientId)
      .setIssuedAt().setExpirationTime("5 minutes").sign(faults.signature ? stranger : privateKey);
  }

  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    const { issuer, faults } = provider;
    const instead = provider.instead(url.pathname);
    if (instead !== undefined) return await instead;
    if (faults.down) return new Response("down", { status: 503 });
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return Response.json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["ES256"],
        });
      case "/jwks":
        return Response.json({
          keys: [{ ...await exportJWK(publicKey), kid: "1", alg: "ES256", use: "sig" }],
        });
      case "/authorize": {
        const get = (name: string) => url.searchParams.get(name) ?? "";
        if (get("client_id") !== clientId || get("code_challenge_method") !== "S256") {
          return new Response("wrong client", { status: 400 });
        }
        const code = crypto.randomUUID();
        grants.set(code, {
          challenge: get("code_challenge"),
          redirectUri: get("redirect_uri"),
          nonce: get("nonce"),
        });
        const back = new URL(get("redirect_uri"));
        back.searchParams.set("code", code);
        back.searchParams.set("state", get("state"));
        return Response.redirect(back, 302);
      }
      case "/token": {
        const form = new URLSearchParams(await request.text());
        const grant = grants.get(form.get("code") ?? "");
        grants.delete(form.get("code") ?? "");
        const verifier = new TextEncoder().encode(form.get("code_verifier") ?? "");
        const challenge = new Uint8Array(await crypto.subtle.digest("SHA-256", verifier))
          .toBase64({ alphabet: "base64url", omitPadding: true });
        if (
          grant === undefined || challenge !== grant.challenge ||
          form.get("redirect_uri") !== grant.redirectUri ||
          form.get("client_id") !== clientId || (form.get("client_secret") ?? undefined) !== clientSecret
        ) {
          return Response.json({ error: "invalid_grant" }, { status: 400 });
        }
        return Response.json({
          access_token: "unused",
          token_type: "bearer",
          id_token: await idToken(grant),
        });
      }
      default:
        return new Response("no such page", { status: 404 });
    }
  });

  const provider: OidcProvider = {
    issuer: `http://127.0.0.1:${server.addr.port}`,
    claims: { sub: "1" },
    faults: {},
    instead: () => undefined,
    async signIn(authorizationUrl) {
      const response = await fetch(authorizationUrl, { redirect: "manual" });
      await response.body?.cancel();
      return new URL(response.headers.get("location")!);
    },
    stop: () => server.shutdown(),
  };
  return provider;
}
