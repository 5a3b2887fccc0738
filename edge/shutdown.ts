/**
 * Ending when told to.
 *
 * @module
 */

/** A deployment is killed 5 s after it is told to stop. */
const SHUTDOWN_MS = 4_500;

/** Runs `stop` once on SIGINT or SIGTERM and exits: 0 when it came to its end in time. */
export function stopOnSignal(stop: () => Promise<void>): void {
  const onSignal = () => {
    setTimeout(() => Deno.exit(1), SHUTDOWN_MS);
    stop().then(() => Deno.exit(0), () => Deno.exit(1));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
}
