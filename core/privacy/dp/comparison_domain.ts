/**
 * Comparison domains: which sketches can be compared with which.
 *
 * Two sketches are comparable only if their values were hashed under one key, so a key per domain decides what can be
 * linked at all: one domain for the fields of an application measures what links inside it, one for a whole deployment
 * measures it across applications. A sketch without the key lets nobody test a guess against it.
 *
 * @module
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, lengthPrefixed, utf8 } from "../../base/bytes.ts";
import type { Hash64 } from "../sketch/hash64.ts";
import { SipHash, SIPHASH_KEY_LENGTH } from "../sketch/siphash.ts";

/** Least bytes of a secret that domains are derived from. */
const COMPARISON_SECRET_LENGTH = 32;

/** The two keyed hashes of one comparison domain. */
export class ComparisonDomain {
  readonly #values: SipHash;
  readonly #pseudonyms: SipHash;

  /**
   * Derives the domain's keys with HKDF-SHA-256 (RFC 5869) from `secret` (at least 32 bytes) and the parts of its name,
   * such as `["demo", "period 2969"]`. Throws a `RangeError` if the secret is shorter.
   */
  constructor(secret: Uint8Array, name: readonly string[]) {
    if (secret.length < COMPARISON_SECRET_LENGTH) {
      throw new RangeError(
        `Cannot derive a comparison domain: the secret has ${secret.length} bytes, fewer than ${COMPARISON_SECRET_LENGTH}`,
      );
    }
    const context = concat(
      utf8("DIT/1 comparison domain"),
      ...name.map((part) => lengthPrefixed(utf8(part))),
    );
    const keys = hkdf(sha256, secret, undefined, context, 2 * SIPHASH_KEY_LENGTH);
    this.#values = new SipHash(keys.subarray(0, SIPHASH_KEY_LENGTH));
    this.#pseudonyms = new SipHash(keys.subarray(SIPHASH_KEY_LENGTH));
  }

  /** Hashes the canonical bytes of a field's value. */
  hashValue(value: Uint8Array): Hash64 {
    return this.#values.hash(value);
  }

  /** Hashes a pseudonym. */
  hashPseudonym(pseudonym: Uint8Array): Hash64 {
    return this.#pseudonyms.hash(pseudonym);
  }
}
