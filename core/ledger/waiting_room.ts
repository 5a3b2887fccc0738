/**
 * How much may wait: what would wait beyond it is refused before anything costly is done.
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";

/** What waits at most. */
export interface WaitingRoomOptions {
  /** Requests. */
  readonly maxWaiting: number;
  /** Bytes of them. */
  readonly maxWaitingBytes: number;
}

/** Room for requests and their bytes. The last one that is let in may go beyond the bytes. */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  #waiting = 0;
  #waitingBytes = 0;

  /** An empty one. */
  constructor(options: WaitingRoomOptions) {
    this.#options = options;
  }

  /** Requests that are in it. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Refuses when it is full.
   * @throws {Refusal} `overloaded`.
   */
  admit(): void {
    const { maxWaiting, maxWaitingBytes } = this.#options;
    if (this.#waiting >= maxWaiting || this.#waitingBytes >= maxWaitingBytes) {
      throw new Refusal("overloaded", "The service is busy; try again shortly.", { retryAfterSeconds: 1 });
    }
  }

  /** A request comes in. */
  enter(bytes: number): void {
    this.#waiting++;
    this.#waitingBytes += bytes;
  }

  /** It goes. */
  leave(bytes: number): void {
    this.#waiting--;
    this.#waitingBytes -= bytes;
  }
}
