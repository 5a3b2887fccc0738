/**
 * Claims that are known to stand, so that whoever repeats them on purpose costs the others nothing.
 *
 * @module
 */

/** A bounded map from claim to MAC tag, both as binary strings, that forgets the oldest half at a time. */
export class RecentClaims {
  #young = new Map<string, string>();
  #old = new Map<string, string>();

  /** Remembers at least `capacity / 2` and at most `capacity` claims. */
  constructor(private readonly capacity: number) {}

  /** The tag of a known claim. */
  get(name: string): string | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }

  /** Remembers a claim. */
  set(name: string, tag: string): void {
    this.#young.set(name, tag);
    if (this.#young.size < this.capacity / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
