/**
 * The client's clock: the device's, corrected by what the service says as far as an honest device needs it. Devices are
 * often minutes off; a service that may correct more could tell clients apart by it, or lead one from one pseudonym into
 * the next and back (docs/protocol.md, section 7).
 *
 * @module
 */
import { ageOf } from "./headers.ts";

/** Farthest that the service's clock is believed to be from the device's, either way, in milliseconds. */
export const MAX_OFFSET = 3_600_000;
/** Milliseconds of the device's clock until an offset may grow by one more, after it grew by {@linkcode MAX_OFFSET}. */
const SLOWNESS = 24;
/** A smaller offset is rounding and travel time, since `Date` has whole seconds. */
const LEAST_OFFSET = 2_000;

/** What a client believes of the service's clock, in milliseconds that it is ahead of the device's. */
export interface Belief {
  /** What is believed, within {@linkcode MAX_OFFSET}. */
  readonly offset: number;
  /** What the last answer from where logs go said, however far. */
  readonly claimed: number;
  /** Until when what it grew counts against what it may grow, in Unix milliseconds of the device. */
  readonly until: number;
}

const NOTHING_HEARD: Belief = { offset: 0, claimed: 0, until: 0 };

/** A clock of the device and how far the service's is believed to be ahead of it. */
export class Clock {
  /** The device's Unix milliseconds: for an event's own time, for intervals and for the age of what is kept. */
  readonly now: () => number;
  /** What is believed. */
  belief = NOTHING_HEARD;

  /** `now` gives the device's Unix milliseconds. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** The believed time in Unix seconds: for epochs, keys and periods, which the service compares with its own clock. */
  seconds(): number {
    return Math.floor((this.now() + this.belief.offset) / 1000);
  }

  /**
   * Whether device and service agree on the time well enough for an event to go with the device's: by less than half an
   * hour and half of the granularity. Otherwise it would show how far off the device is. That goes by what is said where
   * logs go: whoever issues tokens knows to whom, and would see in the logs which of them heard another time.
   */
  agrees(granularitySeconds: number): boolean {
    return Math.abs(this.belief.claimed) < Math.min(granularitySeconds * 1000, MAX_OFFSET) / 2;
  }

  /** Takes over what was stored, unless it is what a client of before stored, which believed anything. */
  load(stored: Belief | undefined): void {
    if (stored !== undefined && Math.abs(stored.offset) <= MAX_OFFSET) this.belief = stored;
  }

  /**
   * Hears the time of an answer: its `Date` plus its `Age` (RFC 9110, 6.6.1; RFC 9111, 5.1). Towards the device's own it
   * is believed at once, away from it by {@linkcode MAX_OFFSET} and as much again in 24 hours; one that is farther off
   * not at all. An answer without a readable `Date` (a browser hides it unless it is exposed) changes nothing.
   * `isLogging`: it came from where logs go.
   * @returns Whether the time was refused as too far off.
   */
  hear(headers: Headers, isLogging: boolean): boolean {
    const date = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(date)) return false;
    const difference = date + ageOf(headers) * 1000 - this.now();
    const told = Math.abs(difference) < LEAST_OFFSET ? 0 : difference;
    const isRefused = Math.abs(told) > MAX_OFFSET;
    const claimed = isLogging ? told : this.belief.claimed;
    this.belief = { ...this.belief, ...!isRefused && this.#believe(told), claimed };
    return isRefused;
  }

  #believe(told: number): Pick<Belief, "offset" | "until"> {
    const { offset, until } = this.belief;
    const now = this.now();
    // A device's clock that was set back leaves a day of it at most.
    const counted = Math.min(Math.max(until - now, 0), MAX_OFFSET * SLOWNESS);
    const step = MAX_OFFSET - counted / SLOWNESS;
    const [low, high] = [Math.min(offset, 0), Math.max(offset, 0)];
    const next = Math.min(Math.max(told, low - step), high + step);
    const grown = Math.max(next - high, low - next, 0);
    return { offset: next, until: now + counted + grown * SLOWNESS };
  }
}
