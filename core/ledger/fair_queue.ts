/**
 * A queue in which every lane has its turn, so that no lane can crowd out the others.
 *
 * @module
 */

/** Items in lanes, taken from one lane after the other; within a lane in order of arrival. */
export class FairQueue<T> {
  readonly #lanes = new Map<string, T[]>();

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#lanes.size === 0;
  }

  /** Puts an item at the end of its lane. */
  push(lane: string, item: T): void {
    const items = this.#lanes.get(lane);
    if (items === undefined) this.#lanes.set(lane, [item]);
    else items.push(item);
  }

  /** The item whose turn it is, which stays. */
  peek(): T | undefined {
    for (const items of this.#lanes.values()) return items[0];
    return undefined;
  }

  /** Takes the item whose turn it is; its lane goes behind the others. */
  shift(): T | undefined {
    for (const [lane, items] of this.#lanes) {
      const item = items.shift();
      this.#lanes.delete(lane);
      if (items.length > 0) this.#lanes.set(lane, items);
      return item;
    }
    return undefined;
  }
}
