/**
 * The maintenance of the start. It makes the keys that clients need, so that a store which is away for a moment may
 * neither end the process that serves already nor leave it without keys until the next cron.
 *
 * @module
 */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** What {@linkcode maintainUntilDone} is told. */
export interface FirstMaintenanceOptions {
  /** Hears of every failure. */
  readonly onFailure: (error: unknown) => void;
  /** Ends the attempts: the service stops. */
  readonly signal: AbortSignal;
  /** Waits some milliseconds between two attempts, which double up to a minute; it may end early when the service stops. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** Runs `maintain` until it has gone through once. Gives what it gave, or undefined when the service stops before. */
export async function maintainUntilDone<Report>(
  maintain: () => Promise<Report>,
  { onFailure, signal, pause = pauseUnless(signal) }: FirstMaintenanceOptions,
): Promise<Report | undefined> {
  for (let wait = FIRST_PAUSE_MS; !signal.aborted; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    try {
      return await maintain();
    } catch (error) {
      if (signal.aborted) return undefined;
      onFailure(error);
      await pause(wait);
    }
  }
  return undefined;
}

function pauseUnless(signal: AbortSignal): (milliseconds: number) => Promise<void> {
  return (milliseconds) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      signal.addEventListener("abort", end);
    });
}
