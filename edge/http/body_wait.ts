/**
 * What a request may take of the service while its body arrives: the edge hands it to whatever reads the body, with
 * nothing in it about whose request it is.
 *
 * @module
 */

import { SweptTimers } from "./swept_timers.ts";

/** What a request may take besides its place among those under way. */
export interface BodyWait {
  /** By which the deadlines of all bodies go. */
  readonly timers: SweptTimers;
  /**
   * From now on the request counts as `places`: its body is as long as so many of others. They are given back with its own.
   * @throws {Refusal} `overloaded` when there are not so many.
   */
  widen(places: number): void;
  /**
   * Counts one more log of the request against its network's rate, as if it had come by itself.
   * @throws {Refusal} `overloaded` when the network has none left.
   */
  countAnother(): void;
  /**
   * Takes a place among the requests that wait for their bodies, for one that is not there at once; gives the milliseconds that are left of its deadline.
   * @throws {Refusal} `overloaded` when there is none.
   */
  begin(deadlineMs: number): number;
  /** Gives it back, after {@linkcode BodyWait.begin} gave it. */
  end(): void;
}

/** What the edge hands to handlers beside a request. */
export interface EdgeBindings {
  /** For its body. */
  readonly wait: BodyWait;
}

/** For requests whose places are not counted. */
export const UNCOUNTED: BodyWait = {
  timers: new SweptTimers(() => performance.now()),
  begin: (deadlineMs) => deadlineMs,
  end: () => {},
  widen: () => {},
  countAnother: () => {},
};

/** The place of the body of a request, whose handler stands behind the edge or, in a test, alone. */
export function bodyWaitOf({ env }: { readonly env: unknown }): BodyWait {
  return (env as Partial<EdgeBindings> | undefined)?.wait ?? UNCOUNTED;
}
