/**
 * The digest chain of a region's keys (docs/protocol.md, section 7): each key's link commits to all keys that were made
 * before it, so that two who compare one link have compared the whole history.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "../base/bytes.ts";

/** What a chain says of a key: its entry in the directory. Times are Unix seconds. */
export interface ChainedKey {
  /** The Privacy Pass token type. */
  readonly tokenType: number;
  /** The serialized public key, base64url. */
  readonly publicKey: string;
  /** The region that owns the key. */
  readonly region: string;
  /** The epoch that it issues in. */
  readonly epoch: number;
  /** 0, or how often the epoch's key was replaced. */
  readonly generation: number;
  /** When it starts to issue. */
  readonly notBefore: number;
  /** When it stops issuing. */
  readonly issueUntil: number;
  /** When it stops redeeming. */
  readonly redeemUntil: number;
}

/** A key with its place in the chain, where it has one. */
export interface LinkedKey extends ChainedKey {
  /** One more than that of the key before it. */
  readonly number?: number | undefined;
  /** Its link, base64url. */
  readonly chain?: string | undefined;
}

/** Bytes of a leaf and of a link. */
export const LINK_LENGTH = 32;

/** The leaf of a key of an application: the SHA-256 of its entry in one line, 32 bytes. */
export function keyLeaf(app: string, key: ChainedKey): Uint8Array<ArrayBuffer> {
  const { region, epoch, generation, tokenType, publicKey, notBefore, issueUntil, redeemUntil } = key;
  const entry = [region, epoch, generation, tokenType, publicKey, notBefore, issueUntil, redeemUntil];
  return sha256(utf8(`DIT/1 key entry ${app} ${entry.join(" ")}`)) as Uint8Array<ArrayBuffer>;
}

/** The link of a key, 32 bytes: that of the key before it (32 zeros before the first), and the key's leaf. */
export function nextLink(before: Uint8Array, leaf: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concat(utf8("DIT/1 key chain\0"), before, leaf)) as Uint8Array<ArrayBuffer>;
}
