/**
 * Under which name a client's quota is counted: a keyed hash that dies with the key, so that the counts of two epochs
 * cannot be linked and the subject itself is never stored.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, lengthPrefixed, utf8 } from "../base/bytes.ts";

/** Bytes of a client tag and of a request digest. */
const CLIENT_TAG_LENGTH = 16;

/** Who asks for tokens: a session's issuer and subject, or what a calling service names its client. */
export interface ClientIdentity {
  /** `iss` of the session; empty (as no session's is) for a client of another service. */
  readonly issuer: string;
  /** `sub` of the session, or the service's own keyed hash of its client. */
  readonly subject: string;
}

/** HMAC-SHA-256(pepper, lp(iss) | lp(sub)), its first 16 bytes. */
export function clientTag(pepper: Uint8Array, client: ClientIdentity): Uint8Array<ArrayBuffer> {
  const message = concat(lengthPrefixed(utf8(client.issuer)), lengthPrefixed(utf8(client.subject)));
  return hmac(sha256, pepper, message).slice(0, CLIENT_TAG_LENGTH) as Uint8Array<ArrayBuffer>;
}

/** HMAC-SHA-256(pepper, tag | request bytes), its first 16 bytes: recognises a request that is sent again. */
export function requestDigest(
  pepper: Uint8Array,
  tag: Uint8Array,
  request: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return hmac(sha256, pepper, concat(tag, request)).slice(0, CLIENT_TAG_LENGTH) as Uint8Array<ArrayBuffer>;
}
