/**
 * A deadline for what an app or a platform may never finish.
 *
 * @module
 */

/** Milliseconds until a request, a session or a transaction of a storage counts as unanswered. */
export const REQUEST_TIMEOUT_MILLISECONDS = 30_000;

/**
 * What `work` gives, unless it takes 30 seconds or `signal` ends it: then it is left alone. No timer outlasts it, which
 * would keep a process alive, and browsers from before `AbortSignal.any` (2023) can run it.
 */
export async function inTime<T>(
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const abort = () => end.abort();
  const timer = setTimeout(abort, REQUEST_TIMEOUT_MILLISECONDS);
  signal?.addEventListener("abort", abort);
  try {
    return await Promise.race([
      work(end.signal),
      new Promise<never>((_, reject) => end.signal.onabort = reject),
    ]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
