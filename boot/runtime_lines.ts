/**
 * Lines that the runtime writes to a process's stderr past all of our code: Deno's KV Connect client tells there of every
 * call that it tries again, with the URL of the store, and with what the server said. Only who started the process can
 * catch them.
 *
 * @module
 */

/** A line about calls that the store's client tried again. */
export interface StoreClientLine {
  /** Calls since the last line, by what they were. */
  readonly retried: Readonly<Record<string, number>>;
  /** The HTTP statuses of those that got an answer. */
  readonly statuses?: readonly number[];
}

const CLIENTS_LINE = /KV Connect/;
const CALL = /\/(snapshot_read|atomic_write|watch)\b/;
const STATUS = /\(status=([0-9]{3})\b/;
const PERIOD_MS = 1_000;

/** Where lines go, and a steady clock. */
export interface RuntimeLinesOptions {
  /** Takes a line as it came. */
  readonly pass: (line: string) => void;
  /** Takes what is told instead of the client's lines, at most once a second. */
  readonly tell: (line: StoreClientLine) => void;
  /** Milliseconds of a steady clock. */
  readonly now?: () => number;
}

/** Makes the function that takes the lines of a process's stderr one by one. */
export function readRuntimeLines(
  { pass, tell, now = () => performance.now() }: RuntimeLinesOptions,
): (line: string) => void {
  let retried: Record<string, number> = {};
  let statuses = new Set<number>();
  let toldAt = -Infinity;
  return function take(line) {
    if (!CLIENTS_LINE.test(line)) return pass(line);
    const call = CALL.exec(line)?.[1] ?? "other";
    retried[call] = (retried[call] ?? 0) + 1;
    const status = STATUS.exec(line)?.[1];
    if (status !== undefined) statuses.add(Number(status));
    if (now() - toldAt < PERIOD_MS) return;
    toldAt = now();
    tell({ retried, ...(statuses.size === 0 ? {} : { statuses: [...statuses] }) });
    retried = {};
    statuses = new Set();
  };
}
