/**
 * Attempts to find a token of an operator: a few from one network are free, then one in a while. A right token costs
 * nothing and is never refused, whatever others try from the same network: what keeps it from being found is its 256
 * random bits, and the count of wrong ones tells the operator that somebody tries.
 *
 * @module
 */
import type { RandomSource } from "../../core/base/random.ts";
import { Groups } from "./groups.ts";
import { type Rate, requireLeft, spend } from "./throttle.ts";

/** Ten attempts from one network, then one in ten seconds. */
const RATE: Rate = { perSecond: 0.1, burst: 10 };

/**
 * Sign-ins at the identity provider that begin or come back: twenty from one network, then one in two seconds. Nobody
 * guesses anything there, but each may have the provider asked; so they count apart, and keep no token's form closed.
 */
export const SIGN_IN_RATE: Rate = { perSecond: 0.5, burst: 20 };

/** Counts attempts. One instance a process. */
export class Guesses {
  readonly #now: () => number;
  readonly #groups: Groups;
  readonly #rate: Rate;

  /** `random` makes the hourly keys, `now` gives milliseconds of a steady clock; `rate` is that of tokens by default. */
  constructor(random: RandomSource, now: () => number = () => performance.now(), rate: Rate = RATE) {
    this.#now = now;
    this.#rate = rate;
    this.#groups = new Groups({ random, now, burst: rate.burst });
  }

  /**
   * Counts an attempt whose outcome is not known yet, such as a form's.
   * @throws {Refusal} `overloaded` when its network has made too many.
   */
  attempt(address: string): void {
    const sender = this.#groups.of(address);
    requireLeft(sender, this.#rate, this.#now());
    spend(sender);
  }

  /**
   * Counts a token that was shown, if it is wrong.
   * @throws {Refusal} `overloaded` when it is, and its network has shown too many.
   */
  shown(address: string, isRight: () => boolean): void {
    if (!isRight()) this.attempt(address);
  }
}
