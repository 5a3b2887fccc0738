/**
 * The device secret and what is made of it: it never leaves the client and has nothing to do with any token.
 *
 * @module
 */
import { concat, fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { hmacSha256 } from "../../core/base/hmac.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { derivePseudonym, DEVICE_SECRET_LENGTH, pseudonymPeriod } from "../../core/schema/pseudonym.ts";
import { type Clock, MAX_OFFSET } from "../base/clock.ts";
import { type Collection, ROTATION_SECONDS } from "../base/collection.ts";
import { randomFraction } from "../base/random.ts";
import { DEVICE, PERIOD, read, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";

/** Bytes of one block of {@linkcode Device.random}. */
const BLOCK_LENGTH = 32;

/** A period of the pseudonym. */
export interface Period {
  /** Its first second (Unix). */
  readonly from: number;
  /** The second after its last (Unix). */
  readonly until: number;
  /** The pseudonym, base64url. */
  readonly pseudonym: string;
}

/** How often an application's pseudonym rotates, if it collects one. */
export type Rotation = Pick<Collection, "pseudonymSeconds">;

/** An event's name, and the share of clients that send it. */
export interface Sampling {
  readonly event: string;
  readonly sample: number;
}

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
  pseudonym(entries: Entries, collection: Rotation, atSeconds?: number): string {
    return collection.pseudonymSeconds === undefined
      ? ""
      : this.period(entries, collection, atSeconds).pseudonym;
  }

  /** The pseudonym's period that is running, or that of another moment (Unix seconds). */
  period(
    entries: Entries,
    { pseudonymSeconds = ROTATION_SECONDS }: Rotation,
    atSeconds = this.#nowSeconds(entries),
  ): Period {
    const period = pseudonymPeriod(atSeconds, pseudonymSeconds);
    const from = period * pseudonymSeconds;
    const pseudonym = derivePseudonym(this.#secret(entries), this.#parts.app, pseudonymSeconds, period);
    return { from, until: from + pseudonymSeconds, pseudonym: toBase64url(pseudonym) };
  }

  /** Remembers that a log is bound in the period that is running: from now on no earlier one runs. */
  enter(entries: Entries, rotation: Rotation): void {
    write<number>(entries, PERIOD, Math.max(this.#latest(entries), this.period(entries, rotation).from));
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

  /**
   * Whether this device belongs to the share `sample` of an event's clients: the same answer for as long as the pseudonym
   * lasts, and another draw in each period. Answers that last longer would be a name under every pseudonym.
   */
  isSampled(entries: Entries, rotation: Rotation, { event, sample }: Sampling): boolean {
    if (sample >= 1) return true;
    const { pseudonym } = this.period(entries, rotation);
    return randomFraction(this.random(entries, `sample\0${pseudonym}\0${event}`)) < sample;
  }

  /**
   * The believed time, but not before the latest period in which a log was bound: a service that sets the clock leads no
   * device back into a period that is over. Until the clock is there, no token of that period may be spent.
   */
  #nowSeconds(entries: Entries): number {
    return Math.max(this.#parts.clock.seconds(), this.#latest(entries));
  }

  /** Unix seconds in which the latest period begins in which a log was bound; 0 when there is none. */
  #latest(entries: Entries): number {
    const from = read<number>(entries, PERIOD) ?? 0;
    // Farther ahead than the service can have led it, the device's own clock was wrong then and was set back since.
    return from <= (this.#parts.clock.now() + MAX_OFFSET) / 1000 ? from : 0;
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
