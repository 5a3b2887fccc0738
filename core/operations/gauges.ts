/**
 * The state of a process as gauges: whether it works, not who uses it.
 *
 * @module
 */
import type { Health } from "./health.ts";
import type { Gauge } from "./prometheus.ts";

/** Names and meaning of the gauges. */
export const GAUGES = {
  started: {
    name: "dit_process_start_time_seconds",
    help: "When this process started, in Unix seconds.",
  },
  storeUp: {
    name: "dit_store_up",
    help:
      "1 while the store reads and writes, 0 once a read or a commit came to nothing and none has gone through since.",
  },
  waiting: {
    name: "dit_waiting_logs",
    help: "Logs that wait for their commit or are under way.",
  },
  maintained: {
    name: "dit_maintenance_time_seconds",
    help: "When the background job last went through in this process, in Unix seconds; 0 before it has.",
  },
} as const;

/** What the gauges are read from. */
export interface GaugedServer {
  /** How this process is. */
  readonly health: Health;
  /** The store, by whether it reads and writes. */
  readonly store: { readonly answers: boolean };
  /** Where logs wait. */
  readonly committer: { readonly waiting: number };
}

/** Reads the gauges. */
export function readGauges({ health, store, committer }: GaugedServer): Gauge[] {
  return [
    { ...GAUGES.started, value: health.startedAtSeconds },
    { ...GAUGES.storeUp, value: store.answers ? 1 : 0 },
    { ...GAUGES.waiting, value: committer.waiting },
    { ...GAUGES.maintained, value: health.maintainedAtSeconds ?? 0 },
  ];
}
