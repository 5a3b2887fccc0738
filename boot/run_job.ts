/**
 * A job that a clock starts. What fails of it is told in a line of ours, counted, and tried again: an error that reached
 * the runtime would be printed by it, with all that it says.
 *
 * @module
 */
import { failureOf } from "../core/jobs/maintenance.ts";
import type { Job } from "../core/operations/job_successes.ts";
import type { Log } from "./log.ts";
import { maintainUntilDone } from "./maintain_at_start.ts";

/** Attempts at one run; then the next hour, or night, tries again. */
const MAX_ATTEMPTS = 5;

/** What a run of a job works with. */
export interface JobOptions<Report> {
  /** Which job it is. */
  readonly job: Job;
  /** Does it. May throw anything. */
  readonly run: () => Promise<Report>;
  /** Writes a line. */
  readonly log: Log;
  /** Counts a failure. */
  readonly count: () => void;
  /** Ends the attempts: the service stops. */
  readonly signal: AbortSignal;
  /** Waits some milliseconds. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** Runs a job until it has gone through or has failed too often. Gives what it gave; never throws. */
export async function runJob<Report>(
  { job, run, log, count, signal, pause }: JobOptions<Report>,
): Promise<Report | undefined> {
  const enough = new AbortController();
  let failures = 0;
  return await maintainUntilDone(run, {
    onFailure(error) {
      count();
      log(`${job}_failed`, { reason: failureOf(error) });
      if (++failures === MAX_ATTEMPTS) enough.abort();
    },
    signal: AbortSignal.any([signal, enough.signal]),
    ...pause === undefined ? {} : { pause },
  });
}
