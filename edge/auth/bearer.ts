/**
 * Bearer tokens (RFC 6750) of which only the SHA-256 is known here.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { timingSafeEqual } from "node:crypto";
import { utf8 } from "../../core/base/bytes.ts";

const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;

/** SHA-256 of a token, 32 bytes. */
export function tokenDigest(token: string): Uint8Array {
  return sha256(utf8(token));
}

/**
 * Whether an Authorization header is a Bearer token with this SHA-256 (32 bytes). Digests are compared, so that the time
 * it takes tells nothing about the token.
 */
export function isBearerOf(authorization: string | null, digest: Uint8Array): boolean {
  const token = BEARER.exec(authorization ?? "")?.[1];
  return token !== undefined && timingSafeEqual(tokenDigest(token), digest);
}
