/**
 * A clock starts each job in every process of a store, and one process at a time runs it: a row says whose turn it is.
 *
 * That spares work and is nobody's safety: jobs are idempotent, and each of their commits checks what it rests on, so that
 * two at once do no harm. That is how a turn can be taken from a process that has ended without a word: whoever waits has
 * looked at the row for {@linkcode ABANDONED_SECONDS} by a clock of their own, and it did not change, though whoever has
 * the turn changes it every {@linkcode BEAT_SECONDS}. No two machines' clocks are compared.
 *
 * @module
 */
import type { RandomSource } from "../base/random.ts";
import { JOB_TURNS } from "../operations/families.ts";
import type { Job } from "../operations/job_successes.ts";
import type { Key } from "../store/port.ts";
import type { Store } from "../store/store.ts";

/** Between two changes of the row by whoever has the turn. */
const BEAT_SECONDS = 10;
/** After so long without a change nobody has the turn any more. */
export const ABANDONED_SECONDS = 60;
/** Between two looks of whoever waits. */
const LOOK_MS = 2_000;

/** Whose turn it is. */
interface Turn {
  /** By which whoever has the turn knows it again; null: nobody has it. */
  readonly holder: string | null;
  /** How many turns came to a good end. */
  readonly done: number;
  /** Changes while somebody has it. */
  readonly beat: number;
}

/** What turns are taken with. */
export interface TurnOptions {
  readonly store: Store;
  readonly random: RandomSource;
  /** The job. */
  readonly job: Job;
  /** Whether a good end of another process's run will do, which was under way when this one asked. */
  readonly mayShare: boolean;
  /** Ends the waiting: the service stops. */
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that nobody sets. */
  readonly steady: () => number;
  /** Waits some milliseconds; it may end early when the service stops. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** What became of a job: it ran here, or (nothing is known of what it did) elsewhere, or the service stops. */
export type Turned<Report> =
  | { readonly kind: "ran"; readonly report: Report }
  | { readonly kind: "elsewhere" }
  | { readonly kind: "stopped" };

/**
 * Runs a job when no other process does. A store that is one process's own has no turns.
 * @throws {Refusal} `store_unavailable`, and whatever `run` throws: then the turn is somebody else's.
 */
export async function runInTurn<Report>(
  options: TurnOptions,
  run: () => Promise<Report>,
): Promise<Turned<Report>> {
  if (!options.store.capabilities.shared) return { kind: "ran", report: await run() };
  const taken = await take(options);
  if (typeof taken === "string") return { kind: taken };
  let isDone = false;
  try {
    const report = await run();
    isDone = true;
    return { kind: "ran", report };
  } finally {
    await taken.end(isDone);
  }
}

async function take(options: TurnOptions): Promise<HeldTurn | "elsewhere" | "stopped"> {
  const { store, random, job, mayShare, signal, steady } = options;
  const { pause = (milliseconds) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)) } =
    options;
  const key = JOB_TURNS.key(job);
  const holder = random(16).toHex();
  let doneAtFirst: number | undefined;
  let seen: { readonly stamp: string | null; readonly at: number } | undefined;
  while (!signal.aborted) {
    const { value, stamp } = await store.get<Turn>(key);
    const done = value?.done ?? 0;
    doneAtFirst ??= done;
    if (mayShare && done > doneAtFirst) return "elsewhere";
    if (seen?.stamp !== stamp) seen = { stamp, at: steady() };
    const isFree = (value?.holder ?? null) === null || steady() - seen.at >= ABANDONED_SECONDS * 1_000;
    if (isFree) {
      const own: Turn = { holder, done, beat: 0 };
      const written = await store.commit((commit) => commit.check({ key, stamp }).set(key, own));
      if (written !== undefined) return new HeldTurn(store, key, own, written);
    } else await pause(LOOK_MS);
  }
  return "stopped";
}

/** A turn of this process. */
class HeldTurn {
  readonly #store: Store;
  readonly #key: Key;
  readonly #beating: ReturnType<typeof setInterval>;
  #turn: Turn;
  #stamp: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Store, key: Key, turn: Turn, stamp: string) {
    this.#store = store;
    this.#key = key;
    this.#turn = turn;
    this.#stamp = stamp;
    this.#beating = setInterval(() => {
      this.#write({ ...this.#turn, beat: this.#turn.beat + 1 });
    }, BEAT_SECONDS * 1_000);
  }

  /** Gives it away. A store that does not take that has others wait until the turn counts as abandoned. */
  async end(isDone: boolean): Promise<void> {
    clearInterval(this.#beating);
    await this.#writing;
    await this.#write({ ...this.#turn, holder: null, done: this.#turn.done + (isDone ? 1 : 0) });
  }

  #write(turn: Turn): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const stamp = this.#stamp;
      // Somebody has taken it, or nobody knows what became of the last write.
      if (stamp === undefined) return;
      this.#stamp = await this.#store.commit((commit) =>
        commit.check({ key: this.#key, stamp }).set(this.#key, turn)
      ).catch(() => undefined);
      this.#turn = turn;
    });
    return this.#writing;
  }
}
