/**
 * The transient throttle, before anything else is done for a request: how much a network asks for, and how many places it
 * holds. What it remembers of an address, edge/admission/groups.ts says.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { type BodyWait, UNCOUNTED } from "../http/body_wait.ts";
import { Groups, type Sender } from "./groups.ts";
import { Places, type Taken } from "./places.ts";
import { type Rate, requireLeft, spend, tooMany } from "./throttle.ts";

/** How much one network may ask for. */
export interface AdmissionOptions {
  /** Requests a second that one network may keep up; 100 by default, since many clients share one. */
  readonly requestsPerSecond?: number | undefined;
  /** Requests that one network may make in one go; ten seconds' worth by default. */
  readonly burst?: number | undefined;
  /** Networks remembered; 50,000 by default. */
  readonly maxAddresses?: number | undefined;
  /** Requests under way at once from everybody; 2048 by default. */
  readonly maxConcurrent?: number | undefined;
  /** Requests under way at once from one network, whatever its share would be; five seconds' worth by default. */
  readonly maxConcurrentPerAddress?: number | undefined;
  /** Of them those that wait for a body; half of all by default, so that the other half is for work. */
  readonly maxWaiting?: number | undefined;
  /** Milliseconds of a steady clock. */
  readonly now?: (() => number) | undefined;
}

/** Whose request it is. */
export interface Asker {
  /** The sender's address. Nothing of it is kept but a keyed hash. */
  readonly address: string;
  /** Whether the address does not count: it has shown that it is a region, or an application server. */
  readonly exempt: boolean;
}

/** Part of its share up to which a network's bodies have their whole deadline. */
const CALM = 0.5;
/** The least part of a deadline that is left at the end of a share. */
const LEAST = 0.1;

/** Decides whether a request may go on. One instance a process. */
export class Admission {
  readonly #now: () => number;
  readonly #rate: Rate;
  readonly #groups: Groups;
  readonly #places: Places;
  readonly #waiting: Places;

  /** `random` makes the hourly keys. */
  constructor(random: RandomSource, options: AdmissionOptions = {}) {
    const { requestsPerSecond: perSecond = 100, maxConcurrent = 2_048, maxAddresses } = options;
    const { burst = 10 * perSecond, maxConcurrentPerAddress = 5 * perSecond } = options;
    this.#now = options.now ?? (() => performance.now());
    this.#rate = { perSecond, burst };
    this.#groups = new Groups({ random, maxAddresses, now: this.#now, burst });
    this.#places = new Places(maxConcurrent, maxConcurrentPerAddress);
    this.#waiting = new Places(options.maxWaiting ?? Math.ceil(maxConcurrent / 2));
  }

  /** Networks remembered now. */
  get size(): number {
    return this.#groups.size;
  }

  /**
   * Runs `work` when there is room for it.
   * @throws {Refusal} `overloaded`.
   */
  async admit<T>({ address, exempt }: Asker, work: (wait: BodyWait) => Promise<T>): Promise<T> {
    const sender = exempt ? undefined : this.#groups.of(address);
    if (sender !== undefined) requireLeft(sender, this.#rate, this.#now());
    requireTaken(this.#places.take(sender));
    if (sender !== undefined) spend(sender);
    const size = { places: 1 };
    try {
      return await work(sender === undefined ? UNCOUNTED : this.#waitOf(sender, size));
    } finally {
      this.#places.release(sender, size.places);
    }
  }

  /** What a body that is not there at once takes: a place among those that wait, and less time the more its network has. */
  #waitOf(sender: Sender, size: { places: number }): BodyWait {
    return {
      begin: (deadlineMs) => {
        const held = requireTaken(this.#waiting.take(sender, size.places));
        return deadlineMs * Math.max(LEAST, Math.min(1, (1 - held) / (1 - CALM)));
      },
      end: () => this.#waiting.release(sender, size.places),
      widen: (places) => {
        if (places <= size.places) return;
        requireTaken(this.#places.take(sender, places - size.places));
        size.places = places;
      },
      countAnother: () => {
        requireLeft(sender, this.#rate, this.#now());
        spend(sender);
      },
    };
  }
}

/** How much of its share the sender holds now. */
function requireTaken(taken: Taken): number {
  if (taken.kind === "full") throw busy();
  if (taken.kind === "share_held") throw tooMany(1);
  return taken.held;
}

function busy(): Refusal {
  return new Refusal("overloaded", "The service is busy; try again shortly.", { retryAfterSeconds: 1 });
}
