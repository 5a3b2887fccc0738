/**
 * Verifies the sessions of clients that ask for tokens: JSON Web Tokens (RFC 7519) under a shared secret, a public key,
 * or a JWKS.
 *
 * @module
 */
import { errors, importSPKI, type JWTPayload, jwtVerify } from "jose";
import type { ClientIdentity } from "../../core/acs/client_tag.ts";
import type { Application } from "../../core/config/types.ts";
import { isWellFormed } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import { KeySet } from "./key_set.ts";
import { secretBytes } from "../../core/base/secret_bytes.ts";

/** Longest token that is looked at. */
const MAX_JWT_LENGTH = 8 * 1024;
const MAX_SUBJECT_LENGTH = 1_024;
/** Fewest bytes of a shared secret (RFC 7518, 3.2). */
const MIN_SECRET_BYTES = 32;
const CLOCK_TOLERANCE_SECONDS = 30;

/** Turns an Authorization header into the client it belongs to. */
export type SessionAuthenticator = (
  authorization: string | null,
  nowSeconds: number,
) => Promise<ClientIdentity>;

/** What an authenticator needs from outside. */
export interface SessionOptions {
  /** The value of an environment variable. */
  readonly secret: (name: string) => string | undefined;
  /** Fetches a JWKS. */
  readonly fetch: typeof fetch;
}

/** Something about an application's sessions is not set up; the message says what to do. */
export class SessionSetupError extends Error {
  override readonly name = "SessionSetupError";
}

type Verifier = (token: string, nowSeconds: number) => Promise<JWTPayload>;

/**
 * Makes the authenticator of an application.
 * @throws {SessionSetupError} If its secret is missing or its key cannot be read.
 */
export async function createSessionAuthenticator(
  app: Application,
  options: SessionOptions,
): Promise<SessionAuthenticator> {
  const verify = await createVerifier(app, options);
  return async (authorization, nowSeconds) => {
    const token = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)$/i.exec(authorization ?? "")
      ?.[1];
    if (authorization === null) throw invalid("The session's JWT is missing.");
    if (authorization.length > MAX_JWT_LENGTH) throw invalid("The session's JWT is too long.");
    if (token === undefined) throw invalid("The Authorization header is not a Bearer JWT.");
    let claims: JWTPayload;
    try {
      claims = await verify(token, nowSeconds);
    } catch (error) {
      throw refusalOf(error);
    }
    const { iss, sub } = claims;
    // A subject with a lone surrogate would be hashed as another one, and two clients would share a quota.
    if (
      typeof sub !== "string" || sub.length === 0 || sub.length > MAX_SUBJECT_LENGTH || !isWellFormed(sub)
    ) {
      throw invalid("The session's JWT has no usable subject.");
    }
    if (iss === undefined) throw invalid("The session's JWT has no issuer.");
    return { issuer: iss, subject: sub };
  };
}

async function createVerifier(app: Application, options: SessionOptions): Promise<Verifier> {
  const { issuer, audience, key, maxAgeSeconds } = app.session;
  const expected = (algorithms: readonly string[], nowSeconds: number) => ({
    issuer,
    audience: audience ?? app.id,
    algorithms: [...algorithms],
    requiredClaims: ["sub", "exp", ...(maxAgeSeconds === undefined ? [] : ["iat"])],
    currentDate: new Date(nowSeconds * 1000),
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ...(maxAgeSeconds === undefined ? {} : { maxTokenAge: maxAgeSeconds }),
  });
  switch (key.kind) {
    case "hs256": {
      const secret = secretBytes(options.secret(key.secretEnv) ?? "");
      if (secret === undefined || secret.length < MIN_SECRET_BYTES) {
        throw new SessionSetupError(
          `Set ${key.secretEnv} to a secret of at least ${MIN_SECRET_BYTES} bytes, as text or as "base64:" and ` +
            `their base64: the sessions of ${app.id} are signed with it.`,
        );
      }
      return async (token, now) => (await jwtVerify(token, secret, expected(["HS256"], now))).payload;
    }
    case "public-key": {
      const publicKey = await importSPKI(key.pem, key.algorithm).catch(() => {
        throw new SessionSetupError(
          `applications.${app.id}.session.key.pem: this is no ${key.algorithm} key.`,
        );
      });
      return async (token, now) =>
        (await jwtVerify(token, publicKey, expected([key.algorithm], now))).payload;
    }
    case "jwks": {
      const keySet = new KeySet({ url: key.url, fetch: options.fetch });
      return async (token, now) => await keySet.verify(token, expected(key.algorithms, now));
    }
  }
}

function invalid(message: string): Refusal {
  return new Refusal("session_invalid", message);
}

/** One sentence for each way to be wrong; none repeats the token or a claim. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof errors.JWTExpired) {
    return invalid("The session's JWT has expired; sign in again.");
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return invalid(`The session's JWT does not satisfy the check of its "${error.claim}" claim.`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return invalid("The session's JWT is signed with an algorithm that is not allowed.");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return invalid("The signature of the session's JWT is invalid.");
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return invalid("No key of the issuer's key set fits the session's JWT.");
  }
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) {
    return invalid("The session's JWT is malformed.");
  }
  if (error instanceof errors.JOSENotSupported) {
    return invalid("The session's JWT uses something that is not supported.");
  }
  return new Refusal("sessions_unavailable", "The issuer's key set cannot be fetched now; try again.", {
    retryAfterSeconds: 30,
  });
}
