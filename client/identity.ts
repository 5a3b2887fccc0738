/**
 * The device secret and what is made of it: it never leaves the client and has nothing to do with any token.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64url, toBase64url, utf8 } from "../core/bytes.ts";
import { derivePseudonym, DEVICE_SECRET_LENGTH, pseudonymPeriod } from "../core/telemetry/pseudonym.ts";
import type { RandomSource } from "../core/voprf/suite.ts";
import { DEVICE } from "./records.ts";
import type { Entries } from "./storage.ts";

/** The device secret, drawn when there is none (or what is stored is none). */
export function deviceSecret(entries: Entries, random: RandomSource): Uint8Array {
  try {
    return fromBase64url(entries.get(DEVICE) ?? "", DEVICE_SECRET_LENGTH);
  } catch {
    const secret = random(DEVICE_SECRET_LENGTH);
    entries.set(DEVICE, toBase64url(secret));
    return secret;
  }
}

/** The pseudonym at `nowSeconds`, base64url; empty where none is collected. */
export function currentPseudonym(
  secret: Uint8Array,
  app: string,
  pseudonymSeconds: number | undefined,
  nowSeconds: number,
): string {
  if (pseudonymSeconds === undefined) return "";
  return toBase64url(derivePseudonym(secret, app, pseudonymPeriod(nowSeconds, pseudonymSeconds)));
}

/** Whether this device belongs to the share `sample` of an event's clients: the same answer every time. */
export function isSampled(secret: Uint8Array, event: string, sample: number): boolean {
  const digest = hmac(sha256, secret, utf8(`DIT/1 sample\0${event}`));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) / 2 ** 32 < sample;
}
