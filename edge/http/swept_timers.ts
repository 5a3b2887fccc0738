/**
 * Many deadlines by one timer of the runtime: nearly all of them are taken back before they are due, and a timer for each
 * costs more than what it watches.
 *
 * @module
 */

/** How long the runtime's timer may go on with nothing to watch. */
const IDLE_MS = 1_000;

/** A deadline that was set. */
export interface SetDeadline {
  /** What happens then. */
  readonly act: () => void;
  /** After how many milliseconds. */
  readonly milliseconds: number;
  /** Milliseconds of a steady clock. */
  readonly dueAt: number;
  before: SetDeadline | undefined;
  after: SetDeadline | undefined;
  isSet: boolean;
}

/** Deadlines in the order in which they are due. */
export class SweptTimers {
  readonly #now: () => number;
  #first: SetDeadline | undefined;
  #last: SetDeadline | undefined;
  /** When the runtime's timer is due; undefined: there is none. */
  #sweepAt: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `now` gives milliseconds of a steady clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Has `act`, which must not throw, called after as many milliseconds, unless it is {@linkcode SweptTimers.clear cleared}. */
  set(milliseconds: number, act: () => void): SetDeadline {
    const dueAt = this.#now() + milliseconds;
    let before = this.#last;
    while (before !== undefined && before.dueAt > dueAt) before = before.before;
    const after = before === undefined ? this.#first : before.after;
    const deadline: SetDeadline = { act, milliseconds, dueAt, before, after, isSet: true };
    if (before === undefined) this.#first = deadline;
    else before.after = deadline;
    if (after === undefined) this.#last = deadline;
    else after.before = deadline;
    if (this.#sweepAt === undefined || dueAt < this.#sweepAt) this.#sweepIn(milliseconds, dueAt);
    return deadline;
  }

  /** Takes a deadline back. The runtime's timer goes on for a while: what comes until then needs none of its own. */
  clear(deadline: SetDeadline): void {
    if (!deadline.isSet) return;
    deadline.isSet = false;
    const { before, after } = deadline;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    if (this.#first !== undefined || deadline.milliseconds <= IDLE_MS) return;
    // A timer that is due much later would keep up a process that ends.
    clearTimeout(this.#timer);
    this.#sweepAt = undefined;
  }

  #sweepIn(milliseconds: number, dueAt: number): void {
    clearTimeout(this.#timer);
    this.#sweepAt = dueAt;
    this.#timer = setTimeout(() => this.#sweep(), milliseconds);
  }

  #sweep(): void {
    this.#sweepAt = undefined;
    const now = this.#now();
    while (this.#first !== undefined && this.#first.dueAt <= now) {
      const { act } = this.#first;
      this.clear(this.#first);
      act();
    }
    if (this.#first === undefined) return;
    const { dueAt } = this.#first;
    // The act of one that was due may have set one that is due before, and the timer with it.
    if (this.#sweepAt === undefined || dueAt < this.#sweepAt) this.#sweepIn(Math.max(1, dueAt - now), dueAt);
  }
}
