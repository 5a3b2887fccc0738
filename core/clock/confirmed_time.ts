/**
 * Whether the wall clock may be believed. What is destroyed or ended stays so, however wrong the clock was that said it
 * was time; so all of that goes by a confirmed time, which a leap of the wall clock does not move.
 *
 * The wall clock is held against a steady one, which nobody sets; at a start against the newest time that a process on
 * this store had confirmed; and while others are at work, against theirs. Where it is ahead of what was confirmed, the
 * confirmed time goes on at the pace of the steady clock until the wall clock has agreed with itself for ten minutes and
 * nobody contradicts, or an operator says that it is right. A clock that is behind ends nothing too early: it is
 * followed at once, and so is one that comes back.
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";
import { formatInstant } from "../base/time.ts";
import type { MaybeEntry } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import { CONFIRMED_TIMES } from "./families.ts";

/**
 * Seconds that a wall clock may gain in an hour, or lie ahead at a start, and still be believed. More than what NTP sets
 * right by itself, a second or less, and than a restart; and half of the last ten minutes of a key, in which clients
 * begin no log (docs/protocol.md, section 6), so that a key which ends so much early is missed by none of them.
 */
export const LEAP_SECONDS = 300;
/** Seconds for which a wall clock that has leapt has to agree with itself. */
export const CONFIRM_SECONDS = 600;
/** Seconds after which a small difference is taken over: so slowly that a clock that creeps is found out. */
const FOLLOW_SECONDS = 3_600;
/** Fewest seconds between two confirmed times in the store. */
const WRITE_SECONDS = 60;
/** Most seconds between two starts of a process that is never there for ten minutes: its hourly job, three times. */
const HANDOVER_SECONDS = 3 * 3_600;

/** What the store keeps of it. */
export interface TimeRow {
  /** The newest time that was confirmed, Unix seconds. */
  readonly seconds: number;
  /** Where a process that waits for its confirmation began to wait, Unix seconds of its wall clock. */
  readonly waitsSince?: number | undefined;
  /** How often an operator has confirmed a time. */
  readonly confirmations: number;
}

/** What became of the time. */
export type TimeEvent =
  | { readonly event: "time_held"; readonly aheadSeconds: number }
  | { readonly event: "time_confirmed"; readonly by: "itself" | "operator" | "return" };

/** What a confirmed time is made of. */
export interface ConfirmedTimeOptions {
  /** Where it is shared and outlives the process. */
  readonly store: Store;
  /** The wall clock: Unix seconds, whole. */
  readonly now: () => number;
  /** A clock that nobody sets: seconds since any moment. */
  readonly steady: () => number;
  /** Hears when it is held, and when no more. */
  readonly onEvent?: ((event: TimeEvent) => void) | undefined;
}

/** A wall clock that differs from what was confirmed. */
interface Candidate {
  /** The wall clock less the steady one, in seconds. */
  readonly offset: number;
  /** Since when it agrees with itself and nobody contradicts, by the steady clock. */
  readonly since: number;
}

/** The row of the store as it was last seen. */
interface Seen {
  readonly stamp: string | null;
  readonly row: TimeRow | null;
  /** When it was read, by the steady clock. */
  readonly at: number;
  /** When its time was first seen to be this one, by the steady clock. */
  readonly standsSince: number;
}

/** The confirmed time of one process. */
export class ConfirmedTime {
  readonly #options: ConfirmedTimeOptions;
  /** The confirmed time less the steady clock, in seconds; undefined before anything was known. */
  #offset: number | undefined;
  #followedAt = 0;
  #candidate: Candidate | undefined;
  #seen: Seen | undefined;
  #isHeld = false;

  /** Reads nothing yet: until {@linkcode ConfirmedTime.open} knows better, the wall clock's first word counts. */
  constructor(options: ConfirmedTimeOptions) {
    this.#options = options;
  }

  /** Whether ends wait, since the wall clock is ahead of what was confirmed. */
  get held(): boolean {
    this.#observe();
    return this.#isHeld;
  }

  /** Unix seconds, whole: what ends by then is over. Never later than the wall clock. */
  confirmedSeconds(): number {
    this.#observe();
    const { now, steady } = this.#options;
    const wall = now();
    if (this.#candidate === undefined || this.#offset === undefined) return wall;
    return Math.min(wall, Math.floor(this.#offset + steady()));
  }

  /**
   * Holds the wall clock against the newest confirmed time of the store; where it has none, against `newestKnown`, the
   * newest time that anything else in it tells; and believes it where nothing does.
   */
  async open(
    newestKnown: () => Promise<number | undefined> = () => Promise.resolve(undefined),
  ): Promise<void> {
    const { store, now, steady } = this.#options;
    const entry = await store.get<TimeRow>(CONFIRMED_TIMES.key());
    this.#see(entry);
    const newest = entry.value?.seconds ?? await newestKnown();
    if (newest !== undefined) this.#offset = newest - steady();
    this.#followedAt = steady();
    // Where no process is ever there for ten minutes, each goes on with the waiting of the one before.
    const waited = now() - (entry.value?.waitsSince ?? Infinity);
    if (waited >= CONFIRM_SECONDS && waited <= HANDOVER_SECONDS) this.#follow();
    this.#observe();
  }

  /**
   * Looks at what the other processes have confirmed, and writes what this one has: at most once a minute, all of them
   * together.
   * @throws {Refusal} `store_unavailable`.
   */
  async refresh(): Promise<void> {
    const { store } = this.#options;
    const before = this.#seen;
    const entry = await store.get<TimeRow>(CONFIRMED_TIMES.key());
    this.#see(entry);
    if (before !== undefined && entry.value !== null && entry.stamp !== before.stamp) {
      this.#hearOthers(entry.value, before);
    }
    this.#observe();
    const next = this.#rowAfter(entry.value);
    if (next === undefined) return;
    const stamp = await store.commit((commit) => commit.check(entry).set(entry.key, next));
    // Another process was faster: it is heard the next time.
    if (stamp !== undefined) this.#see({ key: entry.key, value: next, stamp });
  }

  /**
   * An operator says what time it is, and so that the wall clock is right: for every process of the store that agrees.
   * May be repeated.
   * @throws {Refusal} `time_disputed` when the wall clock says something else.
   */
  async confirm(operatorSeconds: number): Promise<{ seconds: number }> {
    const { store, now } = this.#options;
    const seconds = now();
    if (Math.abs(seconds - operatorSeconds) > LEAP_SECONDS) {
      throw new Refusal(
        "time_disputed",
        `The clock here says ${
          formatInstant(seconds)
        }: set the one that is wrong, then confirm the time again.`,
      );
    }
    const { result, stamp = null } = await store.update<TimeRow, TimeRow>(
      CONFIRMED_TIMES.key(),
      ({ key, value }, commit) => {
        const row = { seconds, confirmations: (value?.confirmations ?? 0) + 1 };
        commit.set(key, row);
        return row;
      },
    );
    this.#seen = this.#seenNow(stamp, result);
    this.#follow();
    this.#settle("operator");
    return { seconds };
  }

  #see({ stamp, value }: MaybeEntry<TimeRow>): void {
    this.#seen = this.#seenNow(stamp, value);
  }

  #seenNow(stamp: string | null, row: TimeRow | null): Seen {
    const at = this.#options.steady();
    const before = this.#seen;
    const stands = before?.row?.seconds === row?.seconds ? before?.standsSince : undefined;
    return { stamp, row, at, standsSince: stands ?? at };
  }

  /** Another process has written since this one last looked: its clock said then what the row says. */
  #hearOthers(row: TimeRow, before: Seen): void {
    const { now, steady } = this.#options;
    const elapsed = steady() - before.at;
    const offset = now() - steady();
    const isAhead = (seconds: number) => now() - seconds - elapsed > LEAP_SECONDS;
    if (
      row.confirmations !== (before.row?.confirmations ?? 0) &&
      Math.abs(now() - row.seconds) <= LEAP_SECONDS + elapsed
    ) {
      this.#follow();
      return this.#settle("operator");
    }
    if (row.seconds !== before.row?.seconds && isAhead(row.seconds)) {
      this.#offset = row.seconds - steady();
      this.#candidate = { offset, since: steady() };
    }
    // Of two that wait, the one that is ahead waits longer.
    const { waitsSince } = row;
    const isNew = waitsSince !== undefined && waitsSince !== before.row?.waitsSince;
    if (isNew && isAhead(waitsSince) && this.#candidate !== undefined) {
      this.#candidate = { offset, since: steady() };
    }
  }

  /** What is to be written over a row; undefined: nothing. */
  #rowAfter(row: TimeRow | null): TimeRow | undefined {
    const seconds = this.#options.now();
    const { confirmations } = row ?? { confirmations: 0 };
    if (this.#isHeld) {
      const waited = seconds - (row?.waitsSince ?? -Infinity);
      if (waited >= 0 && waited <= HANDOVER_SECONDS) return undefined;
      return { confirmations, seconds: row?.seconds ?? this.confirmedSeconds(), waitsSince: seconds };
    }
    if (row === null || seconds - row.seconds >= WRITE_SECONDS) return { seconds, confirmations };
    // What nobody stands for any more, and no clock has come to, was wrong.
    const { steady } = this.#options;
    const isAbandoned = steady() - (this.#seen?.standsSince ?? Infinity) >= CONFIRM_SECONDS;
    if (this.#candidate === undefined && isAbandoned && row.seconds - seconds > LEAP_SECONDS) {
      return { seconds, confirmations };
    }
    return undefined;
  }

  /** Holds the wall clock against the steady one. */
  #observe(): void {
    const { now, steady } = this.#options;
    const offset = now() - steady();
    const ahead = offset - (this.#offset ?? offset);
    if (Math.abs(ahead) <= LEAP_SECONDS) {
      this.#candidate = undefined;
      if (this.#offset === undefined || steady() - this.#followedAt >= FOLLOW_SECONDS) this.#follow();
      return this.#settle("return");
    }
    if (this.#candidate === undefined || Math.abs(offset - this.#candidate.offset) > LEAP_SECONDS) {
      this.#candidate = { offset, since: steady() };
    }
    if (steady() - this.#candidate.since >= CONFIRM_SECONDS) {
      this.#follow();
      return this.#settle("itself");
    }
    if (ahead < 0) return this.#settle("return");
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#options.onEvent?.({ event: "time_held", aheadSeconds: Math.round(ahead) });
  }

  /** The wall clock is right. */
  #follow(): void {
    const { now, steady } = this.#options;
    this.#offset = now() - steady();
    this.#followedAt = steady();
    this.#candidate = undefined;
  }

  /** Nothing is held any more, if it was. */
  #settle(by: "itself" | "operator" | "return"): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#options.onEvent?.({ event: "time_confirmed", by });
  }
}
