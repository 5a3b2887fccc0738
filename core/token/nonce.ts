/**
 * The nonce of a token that serves one pseudonym (docs/protocol.md, section 3): a hash of the pseudonym under random
 * bytes, so that issuance stays blind and a token can be shown to belong to one pseudonym only.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "../base/bytes.ts";

/** Bytes of a nonce, and of the random binding that a bound one is made of (RFC 9578, 5.1). */
export const NONCE_LENGTH = 32;

const LABEL = utf8("DIT/1 nonce\0");

/**
 * SHA-256("DIT/1 nonce" 0x00 | binding | pseudonym): 32 bytes. Nobody finds a second pseudonym for a nonce, since that
 * would be a collision; and without the binding a nonce says nothing of its pseudonym.
 *
 * @example
 * ```ts ignore
 * const binding = random(NONCE_LENGTH);
 * const nonce = deriveNonce(binding, pseudonym);
 * ```
 *
 * @param binding 32 fresh random bytes, one draw a token.
 * @param pseudonym 16 bytes.
 * @throws {RangeError} If a length is another one: the two stand without a length, so that a byte could move.
 */
export function deriveNonce(binding: Uint8Array, pseudonym: Uint8Array): Uint8Array {
  if (binding.length !== NONCE_LENGTH || pseudonym.length !== 16) {
    throw new RangeError("Cannot derive nonce: a length is wrong");
  }
  return sha256(concat(LABEL, binding, pseudonym));
}
