/**
 * Turns of the event loop for long computations: one a turn, so that whoever else waits gets in between.
 *
 * @module
 */

/** Hands out turns in the order in which they are asked for. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves in a turn of the event loop that nobody else here has. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
