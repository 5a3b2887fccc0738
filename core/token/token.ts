/**
 * The input of a token and the id of the key that signs it (RFC 9578, section 5.1; RFC 9577, section 2.2).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, DecodeError, readU16, require32, u16 } from "../base/bytes.ts";

/** Bytes of an encoded token input. */
export const TOKEN_INPUT_LENGTH = 98;

/** What the VOPRF is evaluated on. */
export interface TokenInput {
  readonly tokenType: number;
  /** 32 fresh random bytes, drawn by the client. */
  readonly nonce: Uint8Array;
  /** 32 bytes; see challenge.ts. */
  readonly challengeDigest: Uint8Array;
  /** 32 bytes; see {@linkcode tokenKeyId}. */
  readonly tokenKeyId: Uint8Array;
}

/**
 * Encodes the 98 bytes
 *
 *     struct {
 *       uint16_t token_type;
 *       uint8_t nonce[32];
 *       uint8_t challenge_digest[32];
 *       uint8_t token_key_id[32];
 *     } TokenInput;
 */
export function encodeTokenInput(input: TokenInput): Uint8Array<ArrayBuffer> {
  const { tokenType, nonce, challengeDigest, tokenKeyId } = input;
  require32("token input", nonce, challengeDigest, tokenKeyId);
  return concat(u16(tokenType), nonce, challengeDigest, tokenKeyId);
}

/**
 * Decodes a token input.
 * @throws {DecodeError} If it has not exactly 98 bytes.
 */
export function decodeTokenInput(bytes: Uint8Array): TokenInput {
  if (bytes.length !== TOKEN_INPUT_LENGTH) {
    throw new DecodeError(`Cannot decode token input: length ${bytes.length} is not ${TOKEN_INPUT_LENGTH}`);
  }
  return {
    tokenType: readU16(bytes),
    nonce: bytes.slice(2, 34),
    challengeDigest: bytes.slice(34, 66),
    tokenKeyId: bytes.slice(66, 98),
  };
}

/** SHA-256 of the serialized public key, 32 bytes. */
export function tokenKeyId(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey);
}

/** The last byte of a key id, as a batch request names it. */
export function truncatedKeyId(keyId: Uint8Array): number {
  const [last = 0] = keyId.subarray(-1);
  return last;
}
