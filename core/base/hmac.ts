/**
 * HMAC-SHA-256 (RFC 2104) of short messages under short keys, all that tokens and pseudonyms need.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat } from "./bytes.ts";

const BLOCK_LENGTH = 64;

/** The hashes that the MACs of logs are computed with: those of this file, or faster ones of a suite's library. */
export interface Hashes {
  /** HMAC-SHA-256 of the parts joined, under a key of 32 bytes: 32 bytes. */
  hmacSha256(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array;
}

/** Those that a suite is computed with besides. */
export interface SuiteHashes extends Hashes {
  /** SHA-512 of the parts joined: 64 bytes. */
  sha512(...parts: Uint8Array[]): Uint8Array<ArrayBuffer>;
}

/**
 * HMAC-SHA-256 of the parts joined: 32 bytes. The general construction, whose class can stream, would make every page
 * that has a client larger.
 * @throws {RangeError} If the key is longer than a block, 64 bytes: it would have to be hashed first.
 */
export function hmacSha256(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  return keyedHash(key, 0x5c, [keyedHash(key, 0x36, parts)]);
}

function keyedHash(key: Uint8Array, pad: number, parts: Uint8Array[]): Uint8Array {
  const block = new Uint8Array(BLOCK_LENGTH);
  // Throws when the key is longer.
  block.set(key);
  return sha256(concat(block.map((byte) => byte ^ pad), ...parts));
}

/** Those of this file. */
export const plainHashes: Hashes = { hmacSha256 };
