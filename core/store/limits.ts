/**
 * How much a caller puts into a value or a commit: less than the engine takes, since the engine counts its own encoding.
 *
 * @module
 */
import type { Limits } from "./port.ts";

const VALUE_ENVELOPE_BYTES = 4 * 1024;
const COMMIT_SHARE = 0.8;

/** Bytes that fit a value beside what the engine wraps them in. */
export function roomInValue(limits: Limits): number {
  return limits.bytesPerValue - VALUE_ENVELOPE_BYTES;
}

/** Bytes of values that fit a commit beside its keys and what the engine wraps them in. */
export function roomInCommit(limits: Limits): number {
  return Math.floor(limits.bytesPerCommit * COMMIT_SHARE);
}
