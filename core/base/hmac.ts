/**
 * HMAC-SHA-256 (RFC 2104) of short messages under short keys, all that tokens and pseudonyms need.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat } from "./bytes.ts";

const BLOCK_LENGTH = 64;

/** HMAC-SHA-256 of the parts joined: 32 bytes. A suite's library may have one of its own (`Suite.hmacSha256`). */
export type Hmac = (key: Uint8Array, ...parts: Uint8Array[]) => Uint8Array;

/**
 * See {@linkcode Hmac}. The general construction, whose class can stream, would be 270 bytes more in every page that has a client.
 * @throws {RangeError} If the key is longer than a block, 64 bytes: it would have to be hashed first.
 */
export function hmacSha256(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  return keyedHash(key, 0x5c, [keyedHash(key, 0x36, parts)]);
}

function keyedHash(key: Uint8Array, pad: number, parts: Uint8Array[]): Uint8Array {
  const block = new Uint8Array(BLOCK_LENGTH);
  // Throws when the key is longer.
  block.set(key);
  for (let index = 0; index < BLOCK_LENGTH; index++) block[index]! ^= pad;
  return sha256(concat(block, ...parts));
}
