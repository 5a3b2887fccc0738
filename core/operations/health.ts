/**
 * How a process is: what a person or an alert wants to know before anything else.
 *
 * @module
 */

/** A run of the background job that came to its end. */
export interface MaintenanceRun {
  /** Unix seconds of its end. */
  readonly endedAtSeconds: number;
  /** Why it failed; absent when it went through. */
  readonly failure?: string;
}

/** What a process remembers about itself. One instance a process. */
export class Health {
  #maintenance: MaintenanceRun | undefined;
  #maintainedAtSeconds: number | undefined;

  /** `startedAtSeconds` is when the process started, in Unix seconds. */
  constructor(readonly startedAtSeconds: number) {}

  /** The latest run of the background job in this process. */
  get maintenance(): MaintenanceRun | undefined {
    return this.#maintenance;
  }

  /** When the background job last went through here, in Unix seconds. */
  get maintainedAtSeconds(): number | undefined {
    return this.#maintainedAtSeconds;
  }

  /** Remembers a run of the background job. */
  maintained(run: MaintenanceRun): void {
    this.#maintenance = run;
    if (run.failure === undefined) this.#maintainedAtSeconds = run.endedAtSeconds;
  }
}
