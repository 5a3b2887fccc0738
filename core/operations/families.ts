/**
 * The rows of what operators do and see.
 *
 * @module
 */
import { type Family, family } from "../store/families.ts";
import type { Range } from "../store/port.ts";

/** What one process counted in an hour (hours since 1970) for an application: counts by series. */
export const COUNTERS: Family<[hour: number, app: string, process: string]> = family(
  "n",
  "hours of counters",
);
/** Entries of the audit log by their numbers: JSON bytes. */
export const AUDIT_ENTRIES: Family<[number: number]> = family("u", "entries of the audit log");
/** The number and digest of the audit log's last entry. */
export const AUDIT_HEADS: Family<[]> = family("w", "end of the audit log");
/** Sessions of the console that were ended before their time: their ends, Unix seconds. */
export const ENDED_SESSIONS: Family<[id: string]> = family("y", "console sessions that were ended");
/** A row that is never there: the commit that writes it removes it. It tells whether the store reads and writes. */
export const PROBES: Family<[]> = family("p", "probes");

/** All counters of the hours from..to, both included. */
export function countersOf(from: number, to: number): Range {
  return COUNTERS.range([from], [to + 1]);
}
