/**
 * Nothing but its operator ends the process: what nobody has caught is told in a line without what it says, and counted.
 *
 * @module
 */
import type { FaultKind } from "../core/operations/metrics.ts";
import type { Log } from "./log.ts";

/** What may be told of an error: its message can hold whatever was read, sent or asked. */
export interface Fault {
  /** The name of its class, or the type of what was thrown instead of an error. */
  readonly name: string;
  /** The code of the runtime or of a library, such as `ECONNRESET`. */
  readonly code?: string;
  /** The number of the operating system's error. */
  readonly os?: number;
}

/** Who hears of faults. */
export interface FaultOptions {
  /** Writes a line. */
  readonly log: Log;
  /** Counts one. */
  readonly count: (kind: FaultKind) => void;
  /** A steady clock in milliseconds. */
  readonly now?: () => number;
}

/** Between two lines: what fails again and again must not fill a disk. */
const PERIOD_MS = 1_000;
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const CODE = /^[A-Z][A-Z0-9_]{1,39}$/;

/** What may be told of what was thrown. */
export function faultOf(thrown: unknown): Fault {
  if (!(thrown instanceof Error)) return { name: typeof thrown };
  try {
    const { name, message } = thrown;
    const { code } = thrown as { code?: unknown };
    const [, os] = /\(os error ([0-9]{1,5})\)$/.exec(message) ?? [];
    return {
      name: NAME.test(name) ? name : "Error",
      ...(typeof code === "string" && CODE.test(code) ? { code } : {}),
      ...(os === undefined ? {} : { os: Number(os) }),
    };
  } catch {
    return { name: "Error" };
  }
}

/** Makes the function that counts every fault and writes at most a line a second, with the number of those before it. */
export function reportFaults(
  { log, count, now = () => performance.now() }: FaultOptions,
): (kind: FaultKind, fault: Fault) => void {
  let untold = 0;
  let toldAt = -Infinity;
  return function hear(kind, fault) {
    count(kind);
    if (now() - toldAt < PERIOD_MS) {
      untold++;
      return;
    }
    toldAt = now();
    log("fault", { kind, ...fault, ...(untold === 0 ? {} : { untold }) });
    untold = 0;
  };
}

/**
 * From here on a rejected promise that nobody waits for, or an error that nobody catches, is a fault and not the end. To
 * be called when the start has gone through: what fails before is a start error and ends the process.
 */
export function catchFaults(hear: (kind: FaultKind, fault: Fault) => void): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    hear("rejection", faultOf(event.reason));
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    hear("error", faultOf(event.error));
  });
}
