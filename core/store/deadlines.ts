/**
 * An engine in which every call has a deadline.
 *
 * @module
 */
import { Breaker, type StoreUnavailable } from "./breaker.ts";
import type { Engine } from "./port.ts";

/** What holds calls back. */
export interface Breakers {
  /** For reads: they may work where commits hang. */
  readonly reads: Breaker;
  /** For commits. */
  readonly writes: Breaker;
}

/** How long a call may take, and who hears of one that took longer. */
export interface Deadlines {
  /** Milliseconds after which a call counts as unanswered. */
  readonly deadlineMs: number;
  /** Hears of each call that had no result, with the error of one that threw. */
  readonly onFault: ((fault: StoreUnavailable) => void) | undefined;
}

/** `engine`, whose calls fail with `StoreUnavailable` when they are not answered in time, or at all. */
export function withDeadlines(
  engine: Engine,
  breakers: Breakers,
  { deadlineMs, onFault }: Deadlines,
): Engine {
  const call = async <T>(breaker: Breaker, begin: () => Promise<T>): Promise<T> => {
    try {
      return await breaker.call(begin, deadlineMs);
    } catch (error) {
      onFault?.(error as StoreUnavailable);
      throw error;
    }
  };
  const { reads, writes } = breakers;
  return {
    limits: engine.limits,
    capabilities: engine.capabilities,
    get: (key) => call(reads, () => engine.get(key)),
    getMany: (keys) => call(reads, () => engine.getMany(keys)),
    list: (range, options) => call(reads, () => engine.list(range, options)),
    commit: (checks, rows) => call(writes, () => engine.commit(checks, rows)),
    close: () => engine.close(),
  };
}
