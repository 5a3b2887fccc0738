/**
 * Ids of claims and of rows of records.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { takeBytes } from "../base/byte_slab.ts";
import { concat, requireU16, requireU32 } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";

/** The id of a log row: the hour of arrival and 11 random bytes, so that rows lie by hour and in no order within it. */
export function logRowId(hour: number, random: RandomSource): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(hour), random(11));
}

/** Bytes of a {@linkcode claimId}. */
export const CLAIM_ID_LENGTH = 22;

/** A claim's packed id: u32 ordinal | digest[0..16] | u16 use, 22 bytes. The digest is {@linkcode useDigest}'s. */
export function claimId(ordinal: number, digest: Uint8Array, use: number): Uint8Array<ArrayBuffer> {
  requireU32(ordinal);
  requireU16(use);
  const id = takeBytes(CLAIM_ID_LENGTH);
  id[0] = ordinal >>> 24;
  id[1] = ordinal >>> 16;
  id[2] = ordinal >>> 8;
  id[3] = ordinal;
  for (let index = 0; index < 16; index++) id[4 + index] = byteAt(digest, index);
  id[20] = use >>> 8;
  id[21] = use;
  return id;
}

/**
 * SHA-256(nonce | u16 use): what names a use of a token in the store. It covers the use, so that the claims of one token
 * share nothing there: how many a token has, and when, would be as good as a name to somebody who compares them with
 * what is recorded under a pseudonym.
 */
export function useDigest(nonce: Uint8Array, use: number): Uint8Array {
  requireU16(use);
  const named = takeBytes(nonce.length + 2);
  named.set(nonce);
  named[nonce.length] = use >>> 8;
  named[nonce.length + 1] = use;
  return sha256(named);
}

/** A byte of a digest, which is long enough. */
function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index]!;
}
