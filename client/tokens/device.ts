/**
 * The device secret and what is made of it: it never leaves the client and has nothing to do with any token.
 *
 * @module
 */
import { concat, fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { hmacSha256 } from "../../core/base/hmac.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { derivePseudonym, DEVICE_SECRET_LENGTH, pseudonymPeriod } from "../../core/schema/pseudonym.ts";
import type { Clock } from "../base/clock.ts";
import type { Collection } from "../base/collection.ts";
import { randomFraction } from "../base/random.ts";
import { DEVICE } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";

/** Bytes of one block of {@linkcode Device.random}. */
const BLOCK_LENGTH = 32;

/** What a device takes of its client. */
export interface DeviceParts {
  readonly app: string;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** The device of one client. Its secret is in the storage, so everything here runs inside a transaction. */
export class Device {
  readonly #parts: DeviceParts;

  /** The secret is drawn when it is first used. */
  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  /** The pseudonym of now or of another moment (Unix seconds), base64url; empty where none is collected. */
  pseudonym(
    entries: Entries,
    { pseudonymSeconds }: Collection,
    atSeconds = this.#parts.clock.seconds(),
  ): string {
    if (pseudonymSeconds === undefined) return "";
    const { app } = this.#parts;
    const period = pseudonymPeriod(atSeconds, pseudonymSeconds);
    return toBase64url(derivePseudonym(this.#secret(entries), app, period));
  }

  /** As many bytes as are asked for, always the same for one `purpose` while the device secret is. */
  random(entries: Entries, purpose: string): RandomSource {
    const secret = this.#secret(entries);
    let block = 0;
    return (length) => {
      const blocks: Uint8Array[] = [];
      for (let drawn = 0; drawn < length; drawn += BLOCK_LENGTH) {
        blocks.push(hmacSha256(secret, utf8(`DIT/1 ${purpose}\0${block++}`)));
      }
      return concat(...blocks).slice(0, length);
    };
  }

  /** Whether this device belongs to the share `sample` of an event's clients: the same answer every time. */
  isSampled(entries: Entries, event: string, sample: number): boolean {
    return sample >= 1 || randomFraction(this.random(entries, `sample\0${event}`)) < sample;
  }

  /** The device secret, drawn when there is none (or what is stored is none). */
  #secret(entries: Entries): Uint8Array {
    try {
      return fromBase64url(entries.get(DEVICE) ?? "", DEVICE_SECRET_LENGTH);
    } catch {
      const secret = this.#parts.random(DEVICE_SECRET_LENGTH);
      entries.set(DEVICE, toBase64url(secret));
      return secret;
    }
  }
}
