/**
 * Events whose collection has ended or soon will, for whoever looks after a configuration.
 *
 * @module
 */
import { formatDay, parseDay } from "../base/time.ts";
import type { EventSchemas } from "./event.ts";

/** Days before an event's last one in which somebody has to decide whether it goes on. */
const NOTICE_DAYS = 30;

/** What the calendar says of an application's events. */
export interface Expiry {
  /** Whether an event is past its last day, though nobody has stopped it. */
  readonly hasExpired: boolean;
  /** One sentence for each event that is past its last day, or within thirty days of it. */
  readonly sentences: readonly string[];
}

/** Holds the events of an application against a day (days since 1970-01-01 UTC). */
export function expiryOn(path: string, events: EventSchemas, day: number): Expiry {
  const open = Object.entries(events).filter(([, { state }]) => state !== "stopped");
  const left = open.map(([name, { expires }]) => ({ name, expires, days: (parseDay(expires) ?? -1) - day }));
  const expired = left.filter(({ days }) => days < 0);
  const ending = left.filter(({ days }) => days >= 0 && days <= NOTICE_DAYS);
  const nothingLeft = expired.length === open.length
    ? [`${path}: on ${formatDay(day)} nothing is collected: no event is open, and logs are refused.`]
    : [];
  return {
    hasExpired: expired.length > 0,
    sentences: [
      ...nothingLeft,
      ...expired.map(({ name, expires }) =>
        `${path}.${name}: ${expires} was its last day: set "expires" to a later one, or remove it.`
      ),
      ...ending.map(({ name, expires, days }) =>
        `${path}.${name}: ${expires} is its last day, ${
          days === 0 ? "today" : days === 1 ? "tomorrow" : `in ${days} days`
        }: decide whether it goes on.`
      ),
    ],
  };
}
