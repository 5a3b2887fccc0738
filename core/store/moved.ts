/**
 * A store whose place another has taken (`deno task store copy`). A service that still runs on it has to find that out:
 * what it acknowledged would be missing in the other one.
 *
 * Whoever moves a store marks it, and then writes the rows anew on which each claim and each grant rests. So none goes
 * through that was prepared before, and who prepares one looks at the mark after those rows. Each process looks at it
 * every few seconds besides, and takes no write from then on.
 *
 * @module
 */
import { StoreUnavailable } from "./breaker.ts";
import type { MaybeEntry } from "./port.ts";

/** The refusal `store_unavailable` of a store that was moved. */
export class StoreMoved extends StoreUnavailable {
  /** Nothing was sent. */
  constructor() {
    super("refused");
    this.message =
      "The store was moved: start this process on the one that took its place. Clients send the same bytes again.";
  }
}

/** Whether a mark says that another store has taken this one's place. */
export function saysMoved({ value }: MaybeEntry<{ readonly is: string }>): boolean {
  return value?.is === "moved";
}
