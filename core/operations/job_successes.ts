/**
 * When each job of the clock last went through, in whichever process: kept in the store, since a process that is
 * restarted before the night's job has never run it.
 *
 * @module
 */
import { JOB_SUCCESSES } from "./families.ts";
import type { Store } from "../store/store.ts";

/** A job that a clock starts. */
export type Job = "maintenance" | "releases";

/** The last successes of this deployment's jobs. */
export class JobSuccesses {
  readonly #store: Store;
  readonly #jobs: readonly Job[];
  readonly #now: () => number;
  #known: ReadonlyMap<Job, number> = new Map();

  /** `jobs` are those that this process runs; `now` gives Unix seconds. */
  constructor(store: Store, jobs: readonly Job[], now: () => number) {
    this.#store = store;
    this.#jobs = jobs;
    this.#now = now;
  }

  /** Unix seconds of each job's last success, as it was when they were last read; 0 for one that had none. */
  get known(): ReadonlyMap<Job, number> {
    return new Map(this.#jobs.map((job) => [job, this.#known.get(job) ?? 0]));
  }

  /**
   * Writes down that a job went through.
   * @throws {StoreUnavailable} If the store does not answer.
   */
  async succeeded(job: Job): Promise<void> {
    const now = this.#now();
    // Whichever write is the last: a clock that was ahead for once does not hide what fails later.
    await this.#store.commit((commit) => commit.set(JOB_SUCCESSES.key(job), now));
    this.#known = new Map([...this.#known, [job, now]]);
  }

  /**
   * Reads them.
   * @throws {StoreUnavailable} Then what was known before stays.
   */
  async read(): Promise<void> {
    const rows = await this.#store.getMany<number>(this.#jobs.map((job) => JOB_SUCCESSES.key(job)));
    this.#known = new Map(this.#jobs.map((job, index) => [job, rows[index]?.value ?? 0]));
  }
}
