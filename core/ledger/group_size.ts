/**
 * How much of a group is taken. What a group may hold is the engine's to say.
 *
 * @module
 */
import type { Claims, Guard } from "../store/claims.ts";

/** What says how large a group may be. */
export type SizeLimit = Pick<Claims, "fits">;

/** What an item takes of a group. */
export interface Sized {
  /** What it depends on; those that share it take it once. */
  readonly guard: Guard;
  /** Bytes. */
  readonly bytes: number;
}

/** The size of a group that is put together. */
export class GroupSize {
  readonly #limit: SizeLimit;
  readonly #guards = new Set<Guard>();
  #claims = 0;
  #bytes = 0;

  /** The size of an empty group. */
  constructor(limit: SizeLimit) {
    this.#limit = limit;
  }

  /** Adds an item, unless the group would be too large. The first item is always taken, however large it is. */
  takes({ guard, bytes }: Sized): boolean {
    const guards = this.#guards.size + (this.#guards.has(guard) ? 0 : 1);
    if (this.#claims > 0 && !this.#limit.fits(this.#claims + 1, guards, this.#bytes + bytes)) return false;
    this.#claims++;
    this.#guards.add(guard);
    this.#bytes += bytes;
    return true;
  }
}

/** Whether these may be one group. */
export function fitTogether(items: readonly Sized[], limit: SizeLimit): boolean {
  const size = new GroupSize(limit);
  return items.every((item) => size.takes(item));
}
