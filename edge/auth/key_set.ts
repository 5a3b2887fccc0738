/**
 * An issuer's JSON Web Key Set (RFC 7517), read when it is needed and not more often than it may be, and the
 * verification of JWTs under it.
 *
 * @module
 */
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import { Refusal } from "../../core/base/errors.ts";
import { readBoundedBytes } from "../http/read_body.ts";

/** Most bytes of a key set. */
const MAX_SET_BYTES = 64 * 1024;
/** Milliseconds in which a key set has to arrive. */
const FETCH_MS = 3_000;
/** Seconds that a key set is used: a key that its issuer withdraws signs in nobody after that. */
const USED_SECONDS = 600;
/** Seconds between two readings for the sake of keys that the set lacks: anybody can make up a key. */
const COOLDOWN_SECONDS = 30;
/** Seconds after a failed reading before the next one, however many ask for it. */
const FAILED_SECONDS = 5;
/** What a client is told to wait when the set cannot be had. */
const UNAVAILABLE_SECONDS = 30;
/** Most keys that are tried on a JWT that does not say which one signed it. */
const MAX_TRIED = 16;
/** Seconds that the issuer's clock may be behind. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** How a key set is reached. */
export interface KeySetOptions {
  /** Where it is. */
  readonly url: string;
  /** Reaches it. */
  readonly fetch: typeof fetch;
}

/** What a JWT has to satisfy besides its signature; the clock is always passed in. */
export type JwtExpectations = JWTVerifyOptions & { readonly currentDate: Date };

/** The key set of one issuer. */
export class KeySet {
  readonly #options: KeySetOptions;
  #keys: JWTVerifyGetKey | undefined;
  #readAtSeconds = -Infinity;
  #failedAtSeconds = -Infinity;
  #reading: Promise<void> | undefined;

  /** Nothing is read yet. */
  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /**
   * The claims of a JWT that a key of the set has signed.
   * @throws {Refusal} `sessions_unavailable` when the set cannot be read, or may have got the JWT's key since it was.
   * What `jose` throws when the JWT is wrong.
   */
  async verify(token: string, expected: JwtExpectations): Promise<JWTPayload> {
    const nowSeconds = expected.currentDate.getTime() / 1000;
    let isReadForThis = false;
    // Asked for once the header is known to be in order: what is wrong whatever the key has nothing read.
    const findKey: JWTVerifyGetKey = async (header, jws) => {
      if (this.#age(nowSeconds) >= USED_SECONDS) isReadForThis = await this.#read(nowSeconds);
      if (this.#keys === undefined) throw unreadable();
      return await this.#keys(header, jws);
    };
    for (;;) {
      try {
        return await verifyWithAny(token, findKey, expected);
      } catch (error) {
        // A set that was asked for after the JWT had come says that its key is not there.
        if (isReadForThis || !mayLackItsKey(error, token)) throw error;
        const wait = COOLDOWN_SECONDS - this.#age(nowSeconds);
        if (wait > 0) throw isSignedSince(token, this.#readAtSeconds, nowSeconds) ? lacking(wait) : error;
        isReadForThis = await this.#read(nowSeconds);
      }
    }
  }

  /** Seconds since the set was read; a clock that was set back makes it old, since how old it is cannot be known. */
  #age(nowSeconds: number): number {
    const age = nowSeconds - this.#readAtSeconds;
    return age < 0 ? Infinity : age;
  }

  /** Reads the set; whether it was asked for just now, and not by somebody before. */
  async #read(nowSeconds: number): Promise<boolean> {
    if (this.#reading !== undefined) {
      await this.#reading;
      return false;
    }
    const failedAgo = nowSeconds - this.#failedAtSeconds;
    if (failedAgo >= 0 && failedAgo < FAILED_SECONDS) throw unreadable();
    this.#reading = this.#fetch(nowSeconds).finally(() => this.#reading = undefined);
    await this.#reading;
    return true;
  }

  async #fetch(nowSeconds: number): Promise<void> {
    const { url, fetch } = this.#options;
    try {
      const response = await fetch(url, {
        headers: { accept: "application/json, application/jwk-set+json" },
        redirect: "error",
        signal: AbortSignal.timeout(FETCH_MS),
      });
      const body = await readBoundedBytes(response.body, MAX_SET_BYTES);
      if (response.status !== 200) throw unreadable();
      this.#keys = createLocalJWKSet(withoutStrays(JSON.parse(new TextDecoder().decode(body))));
      this.#readAtSeconds = nowSeconds;
    } catch {
      // Why is between the issuer and the operator, who sees the refusals; a message may name more than its host.
      this.#failedAtSeconds = nowSeconds;
      throw unreadable();
    }
  }
}

/** A set without the entries that are no objects: one of them makes no other key unusable (RFC 7517, section 5). */
function withoutStrays(set: JSONWebKeySet): JSONWebKeySet {
  if (!Array.isArray(set?.keys)) return set;
  return {
    ...set,
    keys: set.keys.filter((key) => typeof key === "object" && key !== null && !Array.isArray(key)),
  };
}

/** Verifies with the key that fits the JWT's header, or, where several do, with each of them. */
async function verifyWithAny(
  token: string,
  findKey: JWTVerifyGetKey,
  expected: JwtExpectations,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, findKey, expected)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tried = 0;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, expected)).payload;
      } catch (failure) {
        // A key that cannot be used, such as one that is too short, says nothing of the next.
        if (isAboutClaims(failure)) throw failure;
      }
      if (++tried === MAX_TRIED) break;
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Whether a JWT was refused for what it says, under a key that has signed it. */
function isAboutClaims(error: unknown): boolean {
  return error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid;
}

/** Whether a newer set could verify a JWT that this one does not. */
function mayLackItsKey(error: unknown, token: string): boolean {
  if (error instanceof errors.JWKSNoMatchingKey) return true;
  // A JWT without the name of its key fits every key, and the right one may be missing.
  return error instanceof errors.JWSSignatureVerificationFailed &&
    decodeProtectedHeader(token).kid === undefined;
}

/**
 * Whether a JWT says that it was signed after the set was read. Nothing has verified it: who makes that up keeps
 * nobody waiting but themselves. A session of before, whose key was withdrawn, has to sign in again at once.
 */
function isSignedSince(token: string, readAtSeconds: number, nowSeconds: number): boolean {
  const { iat, exp } = decodeJwt(token);
  if (typeof exp !== "number" || exp + CLOCK_TOLERANCE_SECONDS <= nowSeconds) return false;
  return iat === undefined || (typeof iat === "number" && iat + CLOCK_TOLERANCE_SECONDS >= readAtSeconds);
}

function unreadable(): Refusal {
  return new Refusal("sessions_unavailable", "The issuer's key set cannot be fetched now; try again.", {
    retryAfterSeconds: UNAVAILABLE_SECONDS,
  });
}

function lacking(waitSeconds: number): Refusal {
  const detail = "The issuer's key set, as it was read just now, lacks the key of this session; try again.";
  return new Refusal("sessions_unavailable", detail, { retryAfterSeconds: Math.ceil(waitSeconds) });
}
