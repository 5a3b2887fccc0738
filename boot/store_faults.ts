/**
 * Tells the operator of a store that does not answer, without a line for every request that suffers.
 *
 * @module
 */
import type { StoreUnavailable } from "../core/store/breaker.ts";

/** A line about faults of the store. */
export interface StoreFaultLine {
  /** Calls without a result since the last line, by reason. */
  readonly late?: number;
  /** Calls that threw. */
  readonly failed?: number;
  /** Calls that were not made, since the store had stopped answering. */
  readonly refused?: number;
  /** The first words of the last error, without URLs. They are the store's and hold no key or value. */
  readonly error?: string;
}

const PERIOD_MS = 1_000;
const MAX_LENGTH = 120;

/** Makes a listener for `StoreOptions.onFault` that writes at most one line a second. `now` is a steady clock. */
export function reportStoreFaults(
  write: (line: StoreFaultLine) => void,
  now: () => number = () => performance.now(),
): (fault: StoreUnavailable) => void {
  let line: { late?: number; failed?: number; refused?: number; error?: string } = {};
  let writtenAt = -Infinity;
  return function hear(fault) {
    line[fault.why] = (line[fault.why] ?? 0) + 1;
    if (fault.cause instanceof Error) line.error = firstWords(fault.cause);
    if (now() - writtenAt < PERIOD_MS) return;
    writtenAt = now();
    write(line);
    line = {};
  };
}

function firstWords({ name, message }: Error): string {
  const [line = ""] = `${name}: ${message}`.split("\n", 1);
  // A client may name its store's URL, and an operator may have put a password there.
  return line.replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s'"]+/gi, "the store").slice(0, MAX_LENGTH);
}
