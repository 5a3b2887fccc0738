/**
 * What metrics tell and a process does not know by itself: what stands in the store, and how its machine is. It is read
 * when somebody asks for metrics; what cannot be read in a moment stays as it was, so that metrics of a service whose
 * store is down are still there.
 *
 * @module
 */
import type { HourTeller } from "./hour_teller.ts";
import type { JobSuccesses } from "./job_successes.ts";

/** Milliseconds that whoever asks for metrics waits for the store. */
const PATIENCE_MS = 1_000;

/** How the machine of a process is, as far as it can be told. */
export interface HostState {
  /** Bytes of memory that this process holds. */
  readonly residentBytes?: number | undefined;
  /** Bytes of the store's file and what belongs to it. */
  readonly storeBytes?: number | undefined;
  /** Bytes that are free where the store's file is. */
  readonly freeBytes?: number | undefined;
  /** When the store's file was last copied by `deno task backup`, Unix seconds; 0: never. */
  readonly backedUpAtSeconds?: number | undefined;
}

/** Until when an application's tokens can be signed, Unix seconds. */
export interface KeyEnds {
  /** The end of the key that issues now; undefined: none does. */
  readonly issuing: number | undefined;
  /** The end of the last key that is made already and follows without a gap. */
  readonly made: number | undefined;
}

/** What a {@linkcode Standing} reads. */
export interface StandingOptions {
  /** Tells the hours that are over. */
  readonly hours: HourTeller;
  /** The jobs of the clock. */
  readonly jobs: JobSuccesses;
  /** The ends of keys by application. */
  readonly readKeyEnds: () => Promise<ReadonlyMap<string, KeyEnds>>;
  /** How this machine is. */
  readonly readHost: () => Promise<HostState>;
}

/** The last that was read of all this. */
export class Standing {
  readonly #options: StandingOptions;
  #keyEnds: ReadonlyMap<string, KeyEnds> = new Map();
  #host: HostState = {};

  /** Nothing is read yet. */
  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** The ends of keys by application. */
  get keyEnds(): ReadonlyMap<string, KeyEnds> {
    return this.#keyEnds;
  }

  /** How this machine is. */
  get host(): HostState {
    return this.#host;
  }

  /** Unix seconds of each job's last success; 0: never. */
  get jobSuccesses(): ReadonlyMap<string, number> {
    return this.#options.jobs.known;
  }

  /** Reads everything anew, as far as it can be read in a moment. Never rejects. */
  async refresh(): Promise<void> {
    const { hours, jobs, readKeyEnds, readHost } = this.#options;
    const reading = Promise.allSettled([
      hours.tell(),
      jobs.read(),
      readKeyEnds().then((ends) => this.#keyEnds = ends),
      readHost().then((host) => this.#host = host),
    ]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const impatient = new Promise<void>((resolve) => timer = setTimeout(resolve, PATIENCE_MS));
    await Promise.race([reading, impatient]);
    clearTimeout(timer);
  }
}
