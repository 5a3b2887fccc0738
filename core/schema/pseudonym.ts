/**
 * The rotating pseudonym (docs/protocol.md, section 9). Only the client can make it; the server checks its length.
 *
 * @module
 */
import { hmacSha256 } from "../base/hmac.ts";
import { concat, lengthPrefixed, u64, utf8 } from "../base/bytes.ts";

/** Bytes of a pseudonym. */
export const PSEUDONYM_LENGTH = 16;
/** Bytes of a device secret. */
export const DEVICE_SECRET_LENGTH = 32;

/** The number of the pseudonym period that `nowSeconds` lies in. */
export function pseudonymPeriod(nowSeconds: number, rotationSeconds: number): number {
  return Math.floor(nowSeconds / rotationSeconds);
}

/** When a log came, and whose. */
export interface Arrival {
  /** Unix seconds: when the epoch of its key begins; undefined where nobody says. */
  readonly keyBeginsSeconds: number | undefined;
  /** Unix seconds, whole: when it arrived. */
  readonly nowSeconds: number;
  /** How long a pseudonym of its application lasts; undefined: it collects none. */
  readonly rotationSeconds: number | undefined;
}

/**
 * Whether a log's pseudonym is of another period than the one in which it arrived: a token is bound to the pseudonym of
 * the period in which its key's epoch begins. That of a key of which nobody says when it begins is taken for another.
 */
export function isOfOtherPeriod({ keyBeginsSeconds, nowSeconds, rotationSeconds }: Arrival): boolean {
  if (rotationSeconds === undefined) return false;
  return keyBeginsSeconds === undefined ||
    pseudonymPeriod(keyBeginsSeconds, rotationSeconds) !== pseudonymPeriod(nowSeconds, rotationSeconds);
}

/**
 * HMAC-SHA-256(device secret, "DIT/1 pseudonym" 0x00 | lp(app) | u64 rotation | u64 period), its first 16 bytes. Without
 * the rotation, one that grows from day to day could keep the period's number, and with it the pseudonym, for years.
 */
export function derivePseudonym(
  deviceSecret: Uint8Array,
  app: string,
  rotationSeconds: number,
  period: number,
): Uint8Array {
  const message = concat(
    utf8("DIT/1 pseudonym"),
    Uint8Array.of(0),
    lengthPrefixed(utf8(app)),
    u64(rotationSeconds),
    u64(period),
  );
  return hmacSha256(deviceSecret, message).slice(0, PSEUDONYM_LENGTH);
}
