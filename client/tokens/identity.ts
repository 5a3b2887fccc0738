/**
 * The device secret and what is made of it: it never leaves the client and has nothing to do with any token.
 *
 * @module
 */
import { concat, fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { derivePseudonym, DEVICE_SECRET_LENGTH, pseudonymPeriod } from "../../core/schema/pseudonym.ts";
import { hmacSha256 } from "../../core/base/hmac.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { Collection } from "../base/collection.ts";
import type { Context } from "../base/context.ts";
import { randomFraction } from "../base/random.ts";
import { DEVICE } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";

/** The device secret, drawn when there is none (or what is stored is none). */
function deviceSecret({ random }: Context, entries: Entries): Uint8Array {
  try {
    return fromBase64url(entries.get(DEVICE)!, DEVICE_SECRET_LENGTH);
  } catch {
    const secret = random(DEVICE_SECRET_LENGTH);
    entries.set(DEVICE, toBase64url(secret));
    return secret;
  }
}

/** The pseudonym of now, base64url; empty where none is collected. */
export function currentPseudonym(
  context: Context,
  entries: Entries,
  { pseudonymSeconds }: Collection,
): string {
  if (pseudonymSeconds === undefined) return "";
  const period = pseudonymPeriod(context.clock.seconds(), pseudonymSeconds);
  return toBase64url(derivePseudonym(deviceSecret(context, entries), context.app, period));
}

/** As many bytes as are asked for, always the same for one `purpose` while the device secret is. */
export function deviceRandom(context: Context, entries: Entries, purpose: string): RandomSource {
  const secret = deviceSecret(context, entries);
  let block = 0;
  return (length) => {
    const blocks: Uint8Array[] = [];
    for (let drawn = 0; drawn < length; drawn += 32) {
      blocks.push(hmacSha256(secret, utf8(`DIT/1 ${purpose}\0${block++}`)));
    }
    return concat(...blocks).slice(0, length);
  };
}

/** Whether this device belongs to the share `sample` of an event's clients: the same answer every time. */
export function isSampled(context: Context, entries: Entries, event: string, sample: number): boolean {
  return sample >= 1 || randomFraction(deviceRandom(context, entries, `sample\0${event}`)) < sample;
}
