/**
 * Times as records keep them: floored, so that they say the hour and not the moment.
 *
 * @module
 */

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?Z$/;

/** How far back an event's own time may lie, in seconds. */
export const MAX_AGE_SECONDS = 7 * 86_400;
/** How far ahead of the server an event's own time may lie, in seconds. */
export const MAX_AHEAD_SECONDS = 3_600;

/** Unix seconds of an RFC 3339 time in UTC (`Z` only), or undefined when it is none. */
export function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return undefined;
  // Date.parse rolls 31 February over; a date that does not come back as it was written is none.
  if (new Date(milliseconds).toISOString().slice(0, 19) !== text.slice(0, 19)) return undefined;
  return Math.floor(milliseconds / 1000);
}

/** Floors Unix seconds to a multiple of `granularitySeconds`. */
export function floorTo(seconds: number, granularitySeconds: number): number {
  return Math.floor(seconds / granularitySeconds) * granularitySeconds;
}

/** The last time that was formatted: those of records are floored, so that nearly all are the same for an hour. */
let formatted = { seconds: 0, text: "1970-01-01T00:00:00Z" };

/** An RFC 3339 time in UTC without fractions. */
export function formatInstant(seconds: number): string {
  if (seconds !== formatted.seconds) {
    formatted = { seconds, text: `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` };
  }
  return formatted.text;
}

/** Days since 1970-01-01 UTC. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / 86_400);
}

/** The hour of the day in UTC, 0..23. */
export function hourOfDay(seconds: number): number {
  return Math.floor(seconds / 3_600) % 24;
}

/** `YYYY-MM-DD` of a day number. */
export function formatDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** The day number of `YYYY-MM-DD`, or undefined when it is none. */
export function parseDay(text: string): number | undefined {
  const seconds = parseInstant(`${text}T00:00:00Z`);
  return seconds === undefined ? undefined : dayOf(seconds);
}
