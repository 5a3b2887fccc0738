/**
 * Whether a token serves the pseudonym of the log that it signs (docs/protocol.md, sections 3 and 5): without it one
 * account would be as many people as its tokens have uses.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { takeBase64url } from "../base/byte_slab.ts";
import { Refusal } from "../base/errors.ts";
import type { LogBody } from "../schema/body.ts";
import { PSEUDONYM_LENGTH } from "../schema/pseudonym.ts";
import { deriveNonce, NONCE_LENGTH } from "../token/nonce.ts";

/**
 * Holds the pseudonym of a body against the token's nonce, 32 bytes. What was collected when says nothing here: a body
 * that is refused now was never accepted. The binding is needed for this alone, and kept nowhere.
 * @throws {Refusal} `pseudonym_mismatch`.
 */
export function requireBoundNonce({ pseudonym, binding }: LogBody, nonce: Uint8Array): void {
  if (pseudonym === undefined || binding === undefined) return;
  const bound = deriveNonce(takeBase64url(binding, NONCE_LENGTH), takeBase64url(pseudonym, PSEUDONYM_LENGTH));
  if (!timingSafeEqual(bound, nonce)) {
    throw new Refusal(
      "pseudonym_mismatch",
      "The token serves another pseudonym; take one of this pseudonym.",
    );
  }
}
