/**
 * The state of a process as gauges: whether it works, not who uses it.
 *
 * @module
 */
import type { Deployment } from "../config/types.ts";
import type { Health } from "./health.ts";
import type { Gauge, Sample } from "./prometheus.ts";
import type { Standing } from "./standing.ts";

const DAY_SECONDS = 86_400;
/** Sizes are told in steps of this many bytes, so that no single write shows in them. */
const SIZE_STEP = 1024 * 1024;

/** Names and meaning of the gauges, and their labels where they have some. */
export const GAUGES = {
  started: {
    name: "dit_process_start_time_seconds",
    help: "When this process started, in Unix seconds.",
  },
  memory: {
    name: "dit_resident_memory_bytes",
    help: "Memory that this process holds.",
  },
  storeUp: {
    name: "dit_store_up",
    help:
      "1 while the store reads and writes, 0 once a read or a commit came to nothing and none has gone through since, or it was moved.",
  },
  storeBytes: {
    name: "dit_store_bytes",
    help: "Size of the store's files in whole MiB; only where the store is a file.",
  },
  diskFree: {
    name: "dit_store_free_bytes",
    help: "Free disk where the store's file is, in whole MiB; only where the store is a file.",
  },
  backedUp: {
    name: "dit_backup_time_seconds",
    help:
      "When the store's file was last copied by deno task backup, in Unix seconds; 0: never. Only where the store is a file.",
  },
  timeHeld: {
    name: "dit_time_held",
    help:
      "1 while this process's clock is ahead of what was confirmed and everything that ends waits for it, else 0.",
  },
  waiting: {
    name: "dit_waiting_logs",
    help: "Logs that wait for their commit or are under way.",
  },
  maintained: {
    name: "dit_maintenance_time_seconds",
    help:
      "When the background job last went through in this process, or in another at its turn, in Unix seconds; 0 before it has.",
  },
  jobs: {
    name: "dit_cron_success_time_seconds",
    help: "When each job of the clock last went through in any process, in Unix seconds; 0: never.",
    labels: ["cron"],
  },
  eventExpiry: {
    name: "dit_event_expiry_days",
    help: "Days until an event is not collected any more; negative: since.",
    labels: ["app", "event"],
  },
  issuingKeyEnd: {
    name: "dit_issuing_key_end_days",
    help: "Days until the key that issues now ends and the next one takes over; 0: none issues.",
    labels: ["app"],
  },
  keysMadeEnd: {
    name: "dit_made_keys_end_days",
    help: "Days until the last of the keys ends that are made ahead without a gap; 0: none issues.",
    labels: ["app"],
  },
  suiteKernel: {
    name: "dit_suite_kernel",
    help: "1 for what computes the cipher suite of an application in this process: wasm, libsodium or noble.",
    labels: ["suite", "kernel"],
  },
} as const satisfies Record<string, { name: string; help: string; labels?: readonly string[] }>;

/** What the gauges are read from. */
export interface GaugedServer {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** How this process is. */
  readonly health: Pick<Health, "startedAtSeconds" | "maintainedAtSeconds">;
  /** What was last read of the store and the machine. */
  readonly standing: Pick<Standing, "host" | "keyEnds" | "jobSuccesses">;
  /** The store, by whether it reads and writes. */
  readonly store: { readonly answers: boolean; readonly moved: boolean };
  /** Where logs wait. */
  readonly committer: { readonly waiting: number };
  /** The cipher suites, by what computes them; empty on a server without keys. */
  readonly suites: readonly { readonly name: string; readonly kernel: string }[];
  /** What of the clock may be believed. */
  readonly time: { readonly held: boolean };
  /** Unix seconds. */
  readonly now: () => number;
}

/** Reads the gauges. One that cannot be told here has no sample. */
export function readGauges(
  { deployment, health, standing, store, committer, suites, time, now }: GaugedServer,
): Gauge[] {
  const { host, keyEnds, jobSuccesses } = standing;
  const seconds = now();
  const days = (end: number | undefined) => end === undefined ? 0 : (end - seconds) / DAY_SECONDS;
  const ends = (read: (ends: { issuing?: number | undefined; made?: number | undefined }) => number) =>
    [...keyEnds].map(([app, ends]) => ({ labels: { app }, value: read(ends) }));
  return [
    { ...GAUGES.started, samples: one(health.startedAtSeconds) },
    { ...GAUGES.memory, samples: one(host.residentBytes) },
    { ...GAUGES.storeUp, samples: one(store.answers && !store.moved ? 1 : 0) },
    { ...GAUGES.storeBytes, samples: one(inSteps(host.storeBytes)) },
    { ...GAUGES.diskFree, samples: one(inSteps(host.freeBytes)) },
    { ...GAUGES.backedUp, samples: one(host.backedUpAtSeconds) },
    { ...GAUGES.timeHeld, samples: one(time.held ? 1 : 0) },
    { ...GAUGES.waiting, samples: one(committer.waiting) },
    { ...GAUGES.maintained, samples: one(health.maintainedAtSeconds ?? 0) },
    { ...GAUGES.jobs, samples: [...jobSuccesses].map(([cron, value]) => ({ labels: { cron }, value })) },
    { ...GAUGES.eventExpiry, samples: expiries(deployment, seconds) },
    { ...GAUGES.issuingKeyEnd, samples: ends(({ issuing }) => days(issuing)) },
    { ...GAUGES.keysMadeEnd, samples: ends(({ made }) => days(made)) },
    {
      ...GAUGES.suiteKernel,
      samples: suites.map(({ name, kernel }) => ({ labels: { suite: name, kernel }, value: 1 })),
    },
  ];
}

function one(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}

function inSteps(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : Math.floor(bytes / SIZE_STEP) * SIZE_STEP;
}

/** Of the events that the configuration collects: their number is the operator's to choose, and no client's. */
function expiries({ applications }: Deployment, nowSeconds: number): Sample[] {
  return [...applications.values()].flatMap(({ id, events }) =>
    Object.entries(events).filter(([, { state }]) => state !== "stopped").map(([event, { expires }]) => ({
      labels: { app: id, event },
      value: (Date.parse(`${expires}T00:00:00Z`) / 1_000 + DAY_SECONDS - nowSeconds) / DAY_SECONDS,
    }))
  );
}
