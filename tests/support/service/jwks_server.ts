/**
 * A login service's key set on this machine, which can be down and can change its keys.
 *
 * @module
 */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** A server of key sets. */
export interface JwksServer extends AsyncDisposable {
  /** Where the key set is. */
  readonly url: string;
  /** While it is set, it answers nothing but 503. */
  down: boolean;
  /** How often it was asked. */
  readonly asked: () => number;
  /** Signs a session with the newest key. */
  readonly signIn: (claims: SessionClaims) => Promise<string>;
  /** Makes a new key, which signs from now on; the one before stays in the set. */
  readonly rotate: () => Promise<void>;
}

/** Whose session it is. */
export interface SessionClaims {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
}

/** Starts a server with one ES256 key. */
export async function startJwksServer(): Promise<JwksServer> {
  const keys: { readonly kid: string; readonly privateKey: CryptoKey; readonly jwk: JWK }[] = [];
  const rotate = async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const kid = crypto.randomUUID();
    keys.push({ kid, privateKey, jwk: { ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" } });
  };
  await rotate();
  let asked = 0;
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked++;
    if (server.down) return new Response("down", { status: 503 });
    return Response.json({ keys: keys.slice(-2).map(({ jwk }) => jwk) });
  });
  const server: JwksServer = {
    url: `http://127.0.0.1:${http.addr.port}/jwks.json`,
    down: false,
    asked: () => asked,
    rotate,
    signIn({ issuer, audience, subject }) {
      const newest = keys.at(-1);
      if (newest === undefined) throw new Error("There is no key yet.");
      return new SignJWT({}).setProtectedHeader({ alg: "ES256", kid: newest.kid }).setIssuer(issuer)
        .setAudience(audience).setSubject(subject).setIssuedAt().setExpirationTime("2h").sign(
          newest.privateKey,
        );
    },
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
  return server;
}
