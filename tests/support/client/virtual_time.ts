/**
 * Timers that a test moves, while what is asynchronous without a timer (a service in memory) goes on as it does.
 *
 * @module
 */

/** Puts virtual timers in place of the platform's until it is disposed of. */
export class VirtualTime implements Disposable {
  /** Unix milliseconds. */
  now: number;
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  #last = 1_000_000;

  /** It begins at `now`. */
  constructor(now: number) {
    this.now = now;
    const set = (run: (...parts: unknown[]) => void, milliseconds = 0, ...parts: unknown[]) => {
      const id = ++this.#last;
      this.#timers.set(id, { at: this.now + Math.max(milliseconds, 0), run: () => run(...parts) });
      return id;
    };
    globalThis.setTimeout = set as unknown as typeof setTimeout;
    globalThis.clearTimeout = (id) => {
      if (!this.#timers.delete(Number(id))) this.#clearTimeout(id);
    };
  }

  /** Moves the time; runs what is due on the way, in order, and waits for what that begins. `isWorking`: whether it goes on. */
  async pass(milliseconds: number, isWorking = () => false): Promise<void> {
    const end = this.now + milliseconds;
    for (;;) {
      const next = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (next === undefined) break;
      const [id, { at, run }] = next;
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      run();
      await this.#settle(isWorking);
    }
    this.now = end;
    await this.#settle(isWorking);
  }

  async #settle(isWorking: () => boolean): Promise<void> {
    do await this.#turn(2); while (isWorking());
  }

  #turn(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#setTimeout(resolve, milliseconds));
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
  }
}
