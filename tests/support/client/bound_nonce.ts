/**
 * The nonces of tokens that serve a pseudonym, for clients of tests.
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../../../core/base/bytes.ts";
import { deriveNonce } from "../../../core/token/nonce.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** A nonce that serves one pseudonym, and what a body shows it by. */
export interface BoundNonce {
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** The pseudonym: base64url. */
  readonly pseudonym: string;
  /** What binds the nonce to it: base64url. */
  readonly binding: string;
}

/** A pseudonym that nobody else has. */
export function freshPseudonym(): string {
  return toBase64url(random(16));
}

/** A nonce that serves a pseudonym: one that nobody else has, unless it is given. */
export function boundNonce(pseudonym: string = freshPseudonym()): BoundNonce {
  const binding = random(32);
  const nonce = deriveNonce(binding, fromBase64url(pseudonym));
  return { nonce, pseudonym, binding: toBase64url(binding) };
}
