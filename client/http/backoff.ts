/**
 * When to try again: exponential backoff with full jitter, and the service's own wish before it.
 *
 * @module
 */
import type { RandomSource } from "../../core/base/random.ts";
import { MOST_WAIT } from "../base/headers.ts";
import { randomFraction } from "../base/random.ts";
import type { Retry } from "../storage/records.ts";

const FIRST_MILLISECONDS = 2_000;
const MOST_MILLISECONDS = 900_000;

/** Nothing failed yet. */
export const NO_RETRY: Retry = { failures: 0, failedAt: 0, retryAt: 0, asked: false };

/**
 * The next try after one more failure, an hour later at most; `askedMilliseconds` is what the service asked to wait.
 */
export function retryLater(
  before: Retry,
  nowMilliseconds: number,
  random: RandomSource,
  askedMilliseconds?: number,
): Retry {
  const failures = before.failures + 1;
  const ceiling = Math.min(FIRST_MILLISECONDS * 2 ** Math.min(failures - 1, 20), MOST_MILLISECONDS);
  const wait = Math.floor(randomFraction(random) * ceiling);
  return {
    failures,
    failedAt: nowMilliseconds,
    retryAt: nowMilliseconds + Math.min(askedMilliseconds ?? 0, MOST_WAIT - ceiling) + wait,
    asked: askedMilliseconds !== undefined,
  };
}

/**
 * Whether it may be tried now. `force` skips the client's own backoff, never a wait that the service asked for. No wait
 * outlasts a device's clock that was set back, or an hour, whatever a client of before has stored.
 */
export function isDue(retry: Retry, nowMilliseconds: number, force: boolean): boolean {
  const { failedAt, retryAt, asked } = retry;
  const isWaiting = nowMilliseconds < retryAt && nowMilliseconds >= failedAt &&
    nowMilliseconds < failedAt + MOST_WAIT;
  return !isWaiting || (force && !asked);
}
