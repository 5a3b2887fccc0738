/**
 * What waits in a client's queue, and until when nothing of it is tried.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { isDue } from "../http/backoff.ts";
import { PENDING, read, readAll, type Retry, WAIT } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { readQueue } from "./queue.ts";

/** What waits. */
export interface Waiting {
  /** Events, those of requests that are bound among them. */
  readonly events: number;
  /** Until when the service asked to wait (Unix milliseconds of the device); 0 where it did not. */
  readonly askedUntil: number;
}

/** Looks at what waits now. */
export function waitingIn(entries: Entries, clock: Clock): Waiting {
  const { events, requests } = readQueue(entries);
  const retries: (Retry | undefined)[] = [
    ...requests.map(({ record }) => record),
    ...readAll<Retry>(entries, WAIT).map(({ record }) => record),
    // What is bound has its token.
    requests.length > 0 ? undefined : read<Retry>(entries, PENDING),
  ];
  return {
    events: requests.reduce((sum, { record }) => sum + record.events.length, events.length),
    askedUntil: Math.max(
      0,
      ...retries.map((retry) => retry?.asked && !isDue(retry, clock.now(), true) ? retry.retryAt : 0),
    ),
  };
}
