/**
 * The transient throttle, before anything else is done for a request: how much a network asks for, and how many places it
 * holds. What it remembers of an address, edge/admission/groups.ts says.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { BodyWait } from "../http/body_wait.ts";
import { SweptTimers } from "../http/swept_timers.ts";
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
  readonly #groups: Groups;
  readonly #room: Room;

  /** `random` makes the hourly keys. */
  constructor(random: RandomSource, options: AdmissionOptions = {}) {
    const { requestsPerSecond: perSecond = 100, maxConcurrent = 2_048, maxAddresses } = options;
    const { burst = 10 * perSecond, maxConcurrentPerAddress = 5 * perSecond } = options;
    const now = options.now ?? (() => performance.now());
    this.#groups = new Groups({ random, maxAddresses, now, burst });
    this.#room = {
      rate: { perSecond, burst },
      now,
      places: new Places(maxConcurrent, maxConcurrentPerAddress),
      waiting: new Places(options.maxWaiting ?? Math.ceil(maxConcurrent / 2)),
      timers: new SweptTimers(() => performance.now()),
    };
  }

  /** Networks remembered now. */
  get size(): number {
    return this.#groups.size;
  }

  /**
   * Runs `work` when there is room for it.
   * @throws {Refusal} `overloaded`.
   */
  async admit<T>(asker: Asker, work: (wait: BodyWait) => Promise<T>): Promise<T> {
    const place = this.enter(asker);
    try {
      return await work(place);
    } finally {
      place.leave();
    }
  }

  /**
   * The same for who gives the place back.
   * @throws {Refusal} `overloaded`.
   */
  enter({ address, exempt }: Asker): AdmittedPlace {
    const sender = exempt ? undefined : this.#groups.of(address);
    const place = new AdmittedPlace(this.#room, sender);
    place.enter();
    return place;
  }
}

/** What all requests share. */
interface Room {
  readonly rate: Rate;
  readonly now: () => number;
  readonly places: Places;
  /** Those of them that wait for a body. */
  readonly waiting: Places;
  readonly timers: SweptTimers;
}

/** A place of a request under way. */
export class AdmittedPlace implements BodyWait {
  readonly #room: Room;
  readonly #sender: Sender | undefined;
  #size = 1;

  /** Made by {@linkcode Admission.enter} alone. Without a sender nothing is counted but the place. */
  constructor(room: Room, sender: Sender | undefined) {
    this.#room = room;
    this.#sender = sender;
  }

  /** Takes the place. @throws {Refusal} `overloaded`. */
  enter(): void {
    const { rate, now, places } = this.#room;
    if (this.#sender !== undefined) requireLeft(this.#sender, rate, now());
    requireTaken(places.take(this.#sender));
    if (this.#sender !== undefined) spend(this.#sender);
  }

  /** Gives it back, and what it was widened by: once. */
  leave(): void {
    this.#room.places.release(this.#sender, this.#size);
  }

  /** See {@linkcode BodyWait}. */
  get timers(): SweptTimers {
    return this.#room.timers;
  }

  /** A place among those that wait, and less time the more its network has. */
  begin(deadlineMs: number): number {
    if (this.#sender === undefined) return deadlineMs;
    const held = requireTaken(this.#room.waiting.take(this.#sender, this.#size));
    return deadlineMs * Math.max(LEAST, Math.min(1, (1 - held) / (1 - CALM)));
  }

  /** See {@linkcode BodyWait}. */
  end(): void {
    if (this.#sender !== undefined) this.#room.waiting.release(this.#sender, this.#size);
  }

  /** See {@linkcode BodyWait}. */
  widen(places: number): void {
    if (this.#sender === undefined || places <= this.#size) return;
    requireTaken(this.#room.places.take(this.#sender, places - this.#size));
    this.#size = places;
  }

  /** See {@linkcode BodyWait}. */
  countAnother(): void {
    if (this.#sender === undefined) return;
    requireLeft(this.#sender, this.#room.rate, this.#room.now());
    spend(this.#sender);
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
