/**
 * What the store keeps of a signing key, and how its secret is sealed.
 *
 * @module
 */
import { concat, lengthPrefixed, u32, utf8 } from "../base/bytes.ts";
import type { SuiteName } from "../voprf/suites.ts";
import type { Lifetime } from "./epoch.ts";
import type { Sealer } from "./sealing.ts";

/** The name of a key: no two keys ever share one. */
export interface KeyName {
  /** The application's id. */
  readonly app: string;
  /** The region that it belongs to. */
  readonly region: string;
  /** The epoch in which it issues. */
  readonly epoch: number;
  /** 0, and one more for each replacement within the epoch. */
  readonly generation: number;
}

/** A link of the chain of a region's keys. */
export interface KeyLink {
  /** One more than that of the key before it. */
  readonly number: number;
  /** 32 bytes, which commit to this key and to all before it. */
  readonly link: Uint8Array;
}

/** A key as the store keeps it. */
export interface KeyRow extends KeyName, Lifetime {
  /** A number of its own that short rows refer to. */
  readonly ordinal: number;
  /** The cipher suite. */
  readonly suite: SuiteName;
  /** Ne bytes. */
  readonly publicKey: Uint8Array;
  /** The secret key and the pepper, sealed; zeros once the key has ended. */
  readonly sealed: Uint8Array;
  /** Uses of a token under this key, fixed for its life. */
  readonly usesPerToken: number;
  /** Tokens that one client gets under this key. */
  readonly tokensPerClient: number;
  /** Unix seconds of its revocation, if it was revoked. */
  readonly revokedAt?: number;
  /** Its link; absent until a program that knows of chains has seen the key. */
  readonly chain?: KeyLink;
}

/** A key that ended and whose rows are still to be swept. */
export interface EndedKey extends KeyName {
  /** Unix seconds from which its claims may go. */
  readonly claimsAfter: number;
}

/** Whether the secret of a key is destroyed. */
export function isZeroed(row: Pick<KeyRow, "sealed">): boolean {
  return row.sealed.every((byte) => byte === 0);
}

/** Bytes of a pepper. */
export const PEPPER_LENGTH = 32;

function sealContext(name: KeyName): Uint8Array<ArrayBuffer> {
  return concat(
    utf8("DIT/1 key"),
    Uint8Array.of(0),
    lengthPrefixed(utf8(name.app)),
    lengthPrefixed(utf8(name.region)),
    u32(name.epoch),
    u32(name.generation),
  );
}

/** Seals a secret key (Ns bytes) and its pepper (32 bytes), bound to the key's name. */
export function sealSecret(
  sealer: Sealer,
  name: KeyName,
  secretKey: Uint8Array,
  pepper: Uint8Array,
): Promise<Uint8Array> {
  return sealer.seal(concat(secretKey, pepper), sealContext(name));
}

/** Opens what {@linkcode sealSecret} sealed. Throws `SealError`. */
export async function openSecret(
  sealer: Sealer,
  row: KeyRow,
): Promise<{ secretKey: Uint8Array; pepper: Uint8Array }> {
  const plain = await sealer.open(row.sealed, sealContext(row));
  return { secretKey: plain.slice(0, -PEPPER_LENGTH), pepper: plain.slice(-PEPPER_LENGTH) };
}
