/**
 * Attempts to find a token of an operator: a few from one network are free, then one in a while. Right tokens cost
 * nothing, and nobody's attempts keep an operator out who is somewhere else, or was here before.
 *
 * @module
 */
import type { RandomSource } from "../../core/base/random.ts";
import { Groups, type Sender } from "./groups.ts";
import { type Rate, requireLeft, spend } from "./throttle.ts";

/** Ten attempts from one network, then one in ten seconds. */
const RATE: Rate = { perSecond: 0.1, burst: 10 };

/** Counts attempts. One instance a process. */
export class Guesses {
  readonly #now: () => number;
  readonly #groups: Groups;
  /** Networks from which a right token came; each is forgotten with its keyed hash, within the hour. */
  readonly #known = new WeakSet<Sender>();

  /** `random` makes the hourly keys, `now` gives milliseconds of a steady clock. */
  constructor(random: RandomSource, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#groups = new Groups({ random, now, burst: RATE.burst });
  }

  /**
   * Counts an attempt whose outcome is not known yet, such as a form's.
   * @throws {Refusal} `overloaded` when its network has made too many.
   */
  attempt(address: string): void {
    const sender = this.#groups.of(address);
    requireLeft(sender, RATE, this.#now());
    spend(sender);
  }

  /**
   * Counts a token that was shown, if it is wrong. A network that has shown too many wrong ones is not told whether the
   * next is right; but who works from one where a right one was shown within the hour is not kept out by others there.
   * @throws {Refusal} `overloaded` when its network has shown too many.
   */
  shown(address: string, isRight: () => boolean): void {
    const sender = this.#groups.of(address);
    if (this.#known.has(sender)) {
      if (!isRight()) this.#count(sender);
      return;
    }
    requireLeft(sender, RATE, this.#now());
    if (isRight()) this.#known.add(sender);
    else spend(sender);
  }

  /** Where a right one was shown, wrong ones are refused as wrong ones are, or as too many. */
  #count(sender: Sender): void {
    requireLeft(sender, RATE, this.#now());
    spend(sender);
  }
}
