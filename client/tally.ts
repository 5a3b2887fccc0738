/**
 * What a client did with events while somebody waited for it.
 *
 * @module
 */
import type { DropReason } from "./base/codes.ts";
import type { ClientEvents } from "./base/types.ts";
import type { Waiting } from "./queue/waiting.ts";

/** How long `flush()` takes at most. */
export interface FlushOptions {
  /** Milliseconds after which it answers, done or not; what it has begun goes on. Without it each step has its deadline. */
  readonly timeout?: number | undefined;
}

/** What `flush()` did. Numbers are of events. */
export interface Flushed {
  /** The service has them: all that it took from the call to this answer. */
  readonly sent: number;
  /** In the queue still, and sent later: at a timeout as far as it is known. */
  readonly waiting: number;
  /** Never sent: `"dropped"` told why from the call to this answer. */
  readonly refused: number;
  /**
   * When the client tries again what waits, at the earliest, in Unix milliseconds: `new Date(retryAt)`. Undefined where
   * nothing waits, or it does nothing by itself: a user who opted out, a client that was closed.
   */
  readonly retryAt: number | undefined;
}

/** What `close()` did. */
export interface Closed {
  /** Events that nobody sends any more: all that waited in memory, nothing of a storage that lasts and did not fail. */
  readonly dropped: number;
}

/** Reasons for which `log()` itself takes nothing. */
const NOT_TAKEN: readonly DropReason[] = ["closed", "no_consent"];

/** Most milliseconds that a timer of a platform counts. */
const MAX_TIMER = 2 ** 31 - 1;

/** Counts from when it is made. */
export class Tally {
  #sent = 0;
  #refused = 0;
  #waiting: Waiting = { events: 0, askedUntil: 0 };

  /** Events that arrived. */
  get sent(): number {
    return this.#sent;
  }

  /** Events that never do. */
  get refused(): number {
    return this.#refused;
  }

  /** What waits, as far as it is known. */
  get waiting(): Waiting {
    return this.#waiting;
  }

  /** Hears what the client tells. */
  hear(name: keyof ClientEvents, told: object): void {
    const { events, reason } = told as ClientEvents["dropped"];
    if (name === "sent") this.#sent += events;
    else if (name === "dropped" && !NOT_TAKEN.includes(reason)) this.#refused += events;
    else return;
    this.see({ ...this.#waiting, events: Math.max(0, this.#waiting.events - events) });
  }

  /** Sees what waits now. */
  see(waiting: Waiting): void {
    this.#waiting = waiting;
  }
}

/** Waits for `work`, `milliseconds` at most. Without a number that makes sense it waits until the end. */
export async function byThen(milliseconds: number | undefined, work: Promise<void>): Promise<void> {
  if (milliseconds === undefined || !(milliseconds >= 0)) return await work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<void>((resolve) => timer = setTimeout(resolve, Math.min(milliseconds, MAX_TIMER)));
  await Promise.race([work, end]);
  clearTimeout(timer);
}
