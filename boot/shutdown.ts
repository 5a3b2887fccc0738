/**
 * Ending when told to.
 *
 * @module
 */

/** A deployment is killed 5 s after it is told to stop. */
const SHUTDOWN_MS = 4_500;

/** What clients that send slowly get to finish; then everything else has to end in order. */
const PATIENCE_MS = 3_000;

/** Lets requests that are under way finish, but waits no longer than a few seconds for those that do not. */
export async function finishRequests(server: { shutdown(): Promise<void> }): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const impatient = new Promise<void>((resolve) => timer = setTimeout(resolve, PATIENCE_MS));
  await Promise.race([server.shutdown(), impatient]);
  clearTimeout(timer);
}

/** The argument of a process that ends when its standard input does: with whoever started it. */
export const ENDS_WITH_STDIN = "--ends-with-stdin";

/**
 * Runs `stop` once on SIGINT or SIGTERM, or at the end of standard input where this process was told so, and exits: 0 when
 * it came to its end in time.
 */
export function stopOnSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const onSignal = () => {
    // A terminal, a service manager and a launcher may each tell it.
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => Deno.exit(1), SHUTDOWN_MS);
    stop().then(() => Deno.exit(0), () => Deno.exit(1));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
  if (Deno.args.includes(ENDS_WITH_STDIN)) void stdinEnds().then(onSignal);
}

async function stdinEnds(): Promise<void> {
  const buffer = new Uint8Array(64);
  while (await Deno.stdin.read(buffer).catch(() => null) !== null);
}
