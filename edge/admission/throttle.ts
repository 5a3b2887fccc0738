/**
 * How much a client's network may ask for: a bucket of requests that fills at a steady rate, and one for the wider groups
 * that whoever has many networks can draw on.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";
import type { Sender } from "./groups.ts";

/** A rate and what may be saved up. */
export interface Rate {
  /** Requests a second. */
  readonly perSecond: number;
  /** Requests in one go. */
  readonly burst: number;
}

/**
 * Requires that all groups of a sender have a request left, as of `now` (milliseconds of a steady clock).
 * @throws {Refusal} `overloaded`, with the time until they have.
 */
export function requireLeft({ groups }: Sender, { perSecond, burst }: Rate, now: number): void {
  let missing = 0;
  for (const group of groups) {
    const { allowance } = group;
    if (allowance === undefined) continue;
    const filled = group.tokens + (now - group.filledAt) / 1000 * perSecond * allowance;
    group.tokens = Math.min(burst * allowance, filled);
    group.filledAt = now;
    missing = Math.max(missing, (1 - group.tokens) / (perSecond * allowance));
  }
  if (missing > 0) throw tooMany(missing);
}

/** Takes a request from each group, once {@linkcode requireLeft} let it through. */
export function spend({ groups }: Sender): void {
  for (const group of groups) if (group.allowance !== undefined) group.tokens--;
}

/** The refusal of one network; `seconds` until another try makes sense. */
export function tooMany(seconds: number): Refusal {
  return new Refusal("overloaded", "Too many requests from one network; try again shortly.", {
    retryAfterSeconds: Math.max(1, Math.ceil(seconds)),
  });
}
