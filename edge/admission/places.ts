/**
 * Places for what goes on at once, so shared that nobody takes the last ones: a group may hold as many as a fixed multiple
 * of those that are still free. One alone can have about half, five about a sixth each, and some are always left for
 * who holds none. (Dynamic thresholds: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet
 * switches", IEEE/ACM Transactions on Networking 6(2), 1998.)
 *
 * @module
 */
import type { Group, Sender } from "./groups.ts";

/** How many times the free places a group may hold, from the narrowest: a wider one has more people in it. */
const SHARES = [1, 2, 4];

/** The groups of a place that nobody in particular holds. */
const NOBODY: readonly Group[] = [];

/** What became of an attempt to take a place. */
export type Taken =
  | {
    readonly kind: "taken";
    /** How much of its share the fullest group of the sender holds now, above 0 and at most 1. */
    readonly held: number;
  }
  /** Nobody gets one now. */
  | { readonly kind: "full" }
  /** Others get one still. */
  | { readonly kind: "share_held" };

/** Places that are shared. */
export class Places {
  readonly #capacity: number;
  readonly #maxOfOne: number;
  readonly #held = new Map<Group, number>();
  #taken = 0;

  /** `maxOfOne` bounds what the narrowest group may hold besides. */
  constructor(capacity: number, maxOfOne = capacity) {
    this.#capacity = capacity;
    this.#maxOfOne = maxOfOne;
  }

  /** Takes `count` places; those that nobody in particular holds (undefined) are bounded by the capacity alone. */
  take(sender: Sender | undefined, count = 1): Taken {
    // Several are taken as if one after the other: the last decides.
    const free = this.#capacity - this.#taken - (count - 1);
    if (free <= 0) return { kind: "full" };
    let fullest = 0;
    const groups = sender?.groups ?? NOBODY;
    for (let level = 0; level < groups.length; level++) {
      const group = groups[level] as Group;
      const share = (SHARES[level] ?? 1) * free;
      // Who holds none gets the last one.
      const limit = Math.max(1, level === 0 ? Math.min(this.#maxOfOne, share) : share);
      fullest = Math.max(fullest, ((this.#held.get(group) ?? 0) + count) / limit);
    }
    if (fullest > 1) return { kind: "share_held" };
    this.#taken += count;
    for (const group of groups) this.#held.set(group, (this.#held.get(group) ?? 0) + count);
    return { kind: "taken", held: fullest };
  }

  /** Gives places back that {@linkcode Places.take} gave to the same sender. */
  release(sender: Sender | undefined, count = 1): void {
    this.#taken -= count;
    for (const group of sender?.groups ?? NOBODY) {
      const left = (this.#held.get(group) ?? count) - count;
      if (left === 0) this.#held.delete(group);
      else this.#held.set(group, left);
    }
  }
}
