/**
 * A bound on calls that never come back. No KV call has a timeout of its own: one that is given up on stays in memory,
 * with all that it carries, until the store answers it. So when too many are in that state nothing more is sent but one
 * call at a time, ever more rarely, until one is answered in time.
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";

/** Why a call of the store has no result. `late` and `failed` leave the outcome of a write unknown. */
export type Unavailability =
  /** No answer before the deadline. */
  | "late"
  /** The call threw. */
  | "failed"
  /** Nothing was sent, since the store has stopped answering. */
  | "refused";

/** The refusal `store_unavailable`. */
export class StoreUnavailable extends Refusal {
  /** `cause` is for the operator's log; the message says nothing of it. */
  constructor(readonly why: Unavailability, cause?: unknown) {
    super("store_unavailable", "The store did not confirm in time; send the same bytes again.", {
      retryAfterSeconds: 1,
    });
    this.cause = cause;
  }
}

/** How a {@linkcode Breaker} behaves. */
export interface BreakerOptions {
  /** Unanswered calls from which on nothing more is sent; 8 by default. */
  readonly maxUnanswered?: number;
  /** Milliseconds until the first trial, doubled after each that failed; 250 by default. */
  readonly firstTrialMs?: number;
  /** Most milliseconds between two trials; 10,000 by default. */
  readonly maxTrialMs?: number;
}

/** A timer that comes so many milliseconds late tells of this process, not of the store. */
const STOOD_STILL_MS = 250;

/** Runs calls with a deadline, and refuses them while too many are unanswered. */
export class Breaker {
  readonly #maxUnanswered: number;
  readonly #firstTrialMs: number;
  readonly #maxTrialMs: number;
  #unanswered = 0;
  #begun = 0;
  /** Which call came to nothing last, in the order in which they began; 0: none since one that came to something. */
  #failed = 0;
  #open = false;
  #trying = false;
  #trialMs: number;
  #nextTrialAt = 0;

  /** A closed breaker: every call is sent. */
  constructor(options: BreakerOptions = {}) {
    this.#maxUnanswered = options.maxUnanswered ?? 8;
    this.#firstTrialMs = options.firstTrialMs ?? 250;
    this.#maxTrialMs = options.maxTrialMs ?? 10_000;
    this.#trialMs = this.#firstTrialMs;
  }

  /** Calls that were given up on and are still unanswered. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Whether the last call that was made came to nothing: it threw or was late. */
  get failing(): boolean {
    return this.#failed > 0;
  }

  /** Whether a call would be refused now. */
  get refuses(): boolean {
    return this.#open && (this.#trying || performance.now() < this.#nextTrialAt);
  }

  /**
   * Settles as `begin()` does, in at most `deadlineMs`; once more as long when this process itself stood still meanwhile,
   * since the answer may be there and unread. `isProof`: whether a result shows that the store does what it is asked to;
   * a commit that a check held back shows nothing of how it writes.
   * @throws {StoreUnavailable} If the call threw, was late, or was not made.
   */
  async call<T>(
    begin: () => Promise<T>,
    deadlineMs: number,
    isProof: (result: T) => boolean = () => true,
  ): Promise<T> {
    if (this.refuses) throw new StoreUnavailable("refused");
    const trial = this.#open;
    const order = ++this.#begun;
    if (trial) this.#trying = true;
    let late = false;
    // A call that throws at once is one that fails.
    const promise = Promise.try(begin);
    // Hears of the answer even when nobody waits for it any more.
    promise.then(() => this.#answered(late, trial), () => this.#answered(late, trial));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const dueAt = performance.now() + deadlineMs;
    try {
      const result = await Promise.race([
        promise,
        new Promise<never>((_, reject) => {
          const giveUp = () => {
            late = true;
            this.#isLate(trial);
            reject(new StoreUnavailable("late"));
          };
          timer = setTimeout(() => {
            if (performance.now() - dueAt < STOOD_STILL_MS) giveUp();
            else timer = setTimeout(giveUp, deadlineMs);
          }, deadlineMs);
        }),
      ]);
      // One that began before another failed says nothing about what is since.
      if (order > this.#failed && isProof(result)) this.#failed = 0;
      return result;
    } catch (error) {
      this.#failed = Math.max(this.#failed, order);
      throw error instanceof StoreUnavailable ? error : new StoreUnavailable("failed", error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A call was answered, with a result or an error: the store is alive. */
  #answered(late: boolean, trial: boolean): void {
    if (late) {
      this.#unanswered--;
      // Not in time, but a sign of life: the next call may try at once.
      this.#nextTrialAt = 0;
    } else if (trial) {
      this.#trying = false;
      this.#open = false;
      this.#trialMs = this.#firstTrialMs;
    }
  }

  #isLate(trial: boolean): void {
    this.#unanswered++;
    if (trial) {
      this.#trying = false;
      this.#trialMs = Math.min(this.#trialMs * 2, this.#maxTrialMs);
    } else if (this.#open || this.#unanswered < this.#maxUnanswered) return;
    this.#open = true;
    this.#nextTrialAt = performance.now() + this.#trialMs;
  }
}
