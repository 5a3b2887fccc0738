/**
 * The client's clock, corrected by the directory's: devices are often minutes, sometimes years off.
 *
 * @module
 */
import { ageOf } from "./headers.ts";

/** A clock of the device and how far the service's is ahead of it. */
export class Clock {
  /** The device's Unix milliseconds: for intervals and cache ages. */
  readonly now: () => number;
  /** Milliseconds to add to the device's clock. */
  offset = 0;

  /** `now` gives the device's Unix milliseconds. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** The corrected time in Unix seconds: for everything that the service compares with its own. */
  seconds(): number {
    return Math.floor((this.now() + this.offset) / 1000);
  }

  /**
   * Takes over the time of an answer: its `Date` plus its `Age` (RFC 9110, 6.6.1; RFC 9111, 5.1). An answer without a
   * readable `Date` (a browser hides it unless it is exposed) changes nothing.
   */
  correct(headers: Headers): void {
    const date = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(date)) return;
    const offset = date + ageOf(headers) * 1000 - this.now();
    // Date has whole seconds: a smaller difference is rounding and travel time.
    this.offset = Math.abs(offset) < 2000 ? 0 : offset;
  }
}
