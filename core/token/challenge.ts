/**
 * The token challenge and what a token is bound to (RFC 9577, section 2.1.1).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, lengthPrefixed, u16, utf8 } from "../base/bytes.ts";

/** SHA-256("DIT/1"): no token of this protocol is ever a valid token of one that reveals authenticators. */
export const REDEMPTION_CONTEXT: Uint8Array = sha256(utf8("DIT/1"));

/** What a challenge is made of. */
export interface Challenge {
  readonly tokenType: number;
  /** The deployment's configured issuer host name. */
  readonly issuerName: string;
  /** The application's id, as the challenge's `origin_info`. */
  readonly app: string;
}

/**
 * Encodes
 *
 *     struct {
 *       uint16_t token_type;
 *       opaque issuer_name<1..2^16-1>;
 *       opaque redemption_context<0..32>;
 *       opaque origin_info<0..2^16-1>;
 *     } TokenChallenge;
 */
export function encodeChallenge(challenge: Challenge): Uint8Array<ArrayBuffer> {
  return concat(
    u16(challenge.tokenType),
    lengthPrefixed(utf8(challenge.issuerName)),
    Uint8Array.of(REDEMPTION_CONTEXT.length),
    REDEMPTION_CONTEXT,
    lengthPrefixed(utf8(challenge.app)),
  );
}

/** SHA-256 of the encoded challenge, 32 bytes: constant for one application of one deployment. */
export function challengeDigest(challenge: Challenge): Uint8Array {
  return sha256(encodeChallenge(challenge));
}
