/**
 * An engine in which every call has a deadline.
 *
 * @module
 */
import { Breaker, type StoreUnavailable } from "./breaker.ts";
import type { EngineCalls } from "./claims.ts";
import { StoreMoved } from "./moved.ts";
import type { Committed, Engine } from "./port.ts";

/** What holds calls back. */
export interface Breakers {
  /** For reads: they may work where commits hang. */
  readonly reads: Breaker;
  /** For commits. */
  readonly writes: Breaker;
  /** Whether nothing is to be written any more, since another store has taken the place of this one. */
  readonly moved: boolean;
}

/** How long a call may take, and who hears of one that took longer. */
export interface Deadlines {
  /** Milliseconds after which a call counts as unanswered. */
  readonly deadlineMs: number;
  /** Hears of each call that had no result, with the error of one that threw. */
  readonly onFault: ((fault: StoreUnavailable) => void) | undefined;
}

/** Makes calls that fail with `StoreUnavailable` when they are not answered in time, or at all. */
export function callsWithDeadlines(
  breakers: Breakers,
  { deadlineMs, onFault }: Deadlines,
): EngineCalls {
  const { reads, writes } = breakers;
  const call = async <T>(
    breaker: Breaker,
    begin: () => Promise<T>,
    isProof?: (result: T) => boolean,
  ): Promise<T> => {
    try {
      return await breaker.call(begin, deadlineMs, isProof);
    } catch (error) {
      onFault?.(error as StoreUnavailable);
      throw error;
    }
  };
  return {
    read: (begin) => call(reads, begin),
    write: (begin) =>
      breakers.moved
        ? Promise.reject(new StoreMoved())
        : call(writes, begin, (result) => (result as Partial<Committed> | undefined)?.ok !== false),
  };
}

/** `engine`, each of whose calls is made by `calls`. */
export function withDeadlines(engine: Engine, calls: EngineCalls): Engine {
  return {
    limits: engine.limits,
    capabilities: engine.capabilities,
    get: (key) => calls.read(() => engine.get(key)),
    getMany: (keys) => calls.read(() => engine.getMany(keys)),
    list: (range, options) => calls.read(() => engine.list(range, options)),
    commit: (checks, rows) => calls.write(() => engine.commit(checks, rows)),
    clear: (range) => calls.write(async () => await engine.clear?.(range)),
    ...engine.load === undefined
      ? {}
      : { load: (entries) => calls.write(async () => await engine.load?.(entries)) },
    close: () => engine.close(),
  };
}
