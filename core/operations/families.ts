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
/** By which process the anonymous counts that a process made in an hour were told to whoever scrapes. */
export const TOLD_HOURS: Family<[hour: number, process: string]> = family(
  "nt",
  "hours of counters that were told",
);
/** The first hour in which anonymous counts were told by these rows, hours since 1970. */
export const TOLD_SINCE: Family<[]> = family("ns", "beginning of the telling of counters");
/** When each job last went through, Unix seconds. */
export const JOB_SUCCESSES: Family<[job: string]> = family("nj", "last successes of jobs");
/** Whose turn it is to run a job, where several processes share the store. */
export const JOB_TURNS: Family<[job: string]> = family("nw", "turns of jobs");
/** Entries of the audit log by their numbers: JSON bytes. */
export const AUDIT_ENTRIES: Family<[number: number]> = family("u", "entries of the audit log");
/** The number and digest of the audit log's last entry. */
export const AUDIT_HEADS: Family<[]> = family("w", "end of the audit log");
/** Sessions of the console that were ended before their time: their ends, Unix seconds. */
export const ENDED_SESSIONS: Family<[id: string]> = family("y", "console sessions that were ended");
/** What the store's rows mean: StoreFormat. */
export const STORE_FORMATS: Family<[]> = family("sf", "format of the store");
/** A row that is never there: the commit that writes it removes it. It tells whether the store reads and writes. */
export const PROBES: Family<[]> = family("p", "probes");

/** All counters of the hours from..to, both included. */
export function countersOf(from: number, to: number): Range {
  return COUNTERS.range([from], [to + 1]);
}

/** All marks of the hours from..to, both included, that were told. */
export function toldHoursOf(from: number, to: number): Range {
  return TOLD_HOURS.range([from], [to + 1]);
}
