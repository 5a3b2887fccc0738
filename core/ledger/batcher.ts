/**
 * The batch loop: what arrives together goes to the store as one group, as soon as the group before has returned.
 * Commits get faster in groups, and not with concurrency.
 *
 * @module
 */
import { FairQueue } from "./fair_queue.ts";
import { GroupSize, type Sized, type SizeLimit } from "./group_size.ts";

/** What a {@linkcode Batcher} puts into groups. */
export interface Batched extends Sized {
  /** What it takes turns with. */
  readonly lane: string;
}

/** How groups are made. */
export interface BatcherOptions<T> {
  /** Groups under way at once: 1 for a file (more do not help), a few for a store behind a network. */
  readonly maxInFlight: number;
  /** How large a group may be. */
  readonly limit: SizeLimit;
  /** Does what is to be done with a group; gives those that are to be put into other groups. Does not throw. */
  readonly settle: (group: T[]) => Promise<readonly T[]>;
}

/** Puts what arrives into groups, in which each lane has its turn. */
export class Batcher<T extends Batched> {
  readonly #options: BatcherOptions<T>;
  readonly #queue = new FairQueue<T>();
  #inFlight = 0;
  #pumping = false;
  #idle: (() => void)[] = [];

  /** An idle one. */
  constructor(options: BatcherOptions<T>) {
    this.#options = options;
  }

  /** Puts an item into one of the next groups. */
  push(item: T): void {
    this.#queue.push(item.lane, item);
    this.#pumpSoon();
  }

  /** Resolves when nothing waits and nothing is under way. */
  drain(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  get #isIdle(): boolean {
    return this.#inFlight === 0 && this.#queue.empty;
  }

  /**
   * Once the event loop has come round: whatever has arrived by then is in the group. It costs an idle service some
   * microseconds, and saves a busy one most of its commits.
   */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#inFlight < this.#options.maxInFlight && !this.#queue.empty) this.#settle(this.#takeGroup());
    if (!this.#isIdle) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #settle(group: T[]): Promise<void> {
    this.#inFlight++;
    try {
      for (const item of await this.#options.settle(group)) this.#queue.push(item.lane, item);
    } finally {
      this.#inFlight--;
      this.#pumpSoon();
    }
  }

  /** One item of each lane in turn, until the group is full: no lane can crowd out the others. */
  #takeGroup(): T[] {
    const group: T[] = [];
    const size = new GroupSize(this.#options.limit);
    for (let item = this.#queue.peek(); item !== undefined && size.takes(item); item = this.#queue.peek()) {
      this.#queue.shift();
      group.push(item);
    }
    return group;
  }
}
