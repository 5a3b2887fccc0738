/**
 * What the headers of an answer say about time.
 *
 * @module
 */

/**
 * Longest that a client waits for anything because the service said so, in milliseconds. Its own backoff (15 minutes at
 * most) and delays (a minute each) come on top: what one bad answer does is over within the hour.
 */
export const MOST_WAIT = 2_400_000;

/** A header's whole number of seconds; 0 when there is none. */
function seconds(headers: Headers, name: string, pattern: RegExp): number {
  return Number(pattern.exec(headers.get(name) ?? "")?.[1] ?? 0);
}

/** `Age` in seconds (RFC 9111, 5.1). */
export function ageOf(headers: Headers): number {
  return seconds(headers, "age", /^(\d{1,7})$/);
}

/** Milliseconds for which an answer stays fresh: its `max-age` less its `Age`, a minute at least. */
export function freshFor(headers: Headers): number {
  const maxAge = seconds(headers, "cache-control", /max-age=(\d{1,9})/);
  return Math.min(Math.max(maxAge - ageOf(headers), 60) * 1000, MOST_WAIT);
}

/** Milliseconds of a `Retry-After` in seconds; undefined when there is none. */
export function retryAfter(headers: Headers): number | undefined {
  const wait = seconds(headers, "retry-after", /^(\d{1,9})$/);
  return wait === 0 ? undefined : Math.min(wait * 1000, MOST_WAIT);
}
