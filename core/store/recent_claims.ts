/**
 * Claims that are known to stand, so that whoever repeats them on purpose costs the others nothing.
 *
 * @module
 */

/** A bounded map from claim to MAC tag that forgets the oldest half at a time. */
export class RecentClaims {
  #young = new Map<string, Uint8Array>();
  #old = new Map<string, Uint8Array>();

  /** Remembers at least `capacity / 2` and at most `capacity` claims. */
  constructor(private readonly capacity: number) {}

  /** The tag of a known claim. */
  get(name: string): Uint8Array | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }

  /** Remembers a claim. */
  set(name: string, tag: Uint8Array): void {
    this.#young.set(name, tag);
    if (this.#young.size < this.capacity / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
