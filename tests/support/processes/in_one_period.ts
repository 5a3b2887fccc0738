/**
 * Tests of real processes live by the clock on the wall: keys, quotas and the days of records change under them at
 * midnight (UTC), and those of shorter epochs at every hour.
 *
 * @module
 */

/** Seconds of a day. */
export const DAY_SECONDS = 86_400;

/**
 * Runs what holds within one period only, such as one day or one hour of UTC. If it fails and the period has ended
 * meanwhile, it is run a second time, in the next period; what fails within one period fails.
 */
export async function inOnePeriod<T>(
  seconds: number,
  run: () => Promise<T>,
  now: () => number = Date.now,
): Promise<T> {
  const period = () => Math.floor(now() / 1000 / seconds);
  const before = period();
  try {
    return await run();
  } catch (error) {
    if (period() === before) throw error;
    return await run();
  }
}
