/**
 * What goes on beside requests in every process: the risk sketches are merged and alerts delivered, the counters are
 * written down, and a store that took no write is tried again.
 *
 * @module
 */
import { Refusal } from "../core/base/errors.ts";
import type { AlertRow } from "../core/privacy/risk/alerts.ts";
import { startMergeLoop } from "../core/privacy/risk/merge_loop.ts";
import type { Server } from "../core/service.ts";
import { probeStore } from "../core/operations/probe.ts";
import { StoreMoved } from "../core/store/moved.ts";
import type { Store } from "../core/store/store.ts";
import type { Log } from "./log.ts";

/** Between two merges of the risk sketches; in development people wait for what follows. */
const MERGE_MS = 30_000;
const MERGE_MS_IN_DEVELOPMENT = 2_000;
/** What a crash may lose of the counters. */
const FLUSH_COUNTERS_MS = 5_000;
/** Between two trials of a store that does not do its part. */
const TRY_STORE_MS = 2_000;

/** Between two looks whether the store was moved: `deno task store copy` waits for longer. */
const LOOK_AT_PLACE_MS = 5_000;
/** Between two looks at the clocks of the other processes. */
const REFRESH_TIME_MS = 60_000;

/** What the background works with. */
export interface BackgroundOptions {
  /** The server, with its risk monitor open. */
  readonly service: Server;
  /** Whether it is development. */
  readonly development: boolean;
  /** Hears of alerts and failures. */
  readonly log: Log;
  /** Sends an alert out; absent: alerts stay in the log and the store. */
  readonly sendAlert?: ((alert: AlertRow) => Promise<boolean>) | undefined;
}

/** Starts it. Gives the function that ends it after a last merge and a last writing of the counters. */
export function startBackground(
  { service, development, log, sendAlert }: BackgroundOptions,
): () => Promise<void> {
  const merging = startMergeLoop(service.risk, service.store, {
    everyMs: development ? MERGE_MS_IN_DEVELOPMENT : MERGE_MS,
    // Neither a period nor a lift ends by a clock that has leapt.
    now: () => service.time.confirmedSeconds(),
    send: sendAlert,
    onAlert: ({ delivery: _delivery, ...alert }) => log("risk_alert", alert),
    // The store's faults are reported where they happen.
    onError: (error) => error instanceof Refusal || log("risk_error", { name: (error as Error)?.name }),
  });
  const flush = () => service.counterRows.flush().catch(() => {});
  const flushing = setInterval(flush, FLUSH_COUNTERS_MS);
  const refreshing = setInterval(() => service.time.refresh().catch(() => {}), REFRESH_TIME_MS);
  const stopTrying = tryFailingStore(service.store);
  const stopLooking = lookAtPlace(service.store, log);
  return async function stop() {
    clearInterval(flushing);
    clearInterval(refreshing);
    await stopLooking();
    await stopTrying();
    await merging.stop();
    await flush();
  };
}

/** Looks whether a store was moved, where others could do that under this process. Gives the function that ends it. */
function lookAtPlace(store: Store, log: Log): () => Promise<void> {
  if (!store.capabilities.shared) return () => Promise.resolve();
  let look: Promise<void> | undefined;
  const looking = setInterval(() => {
    const before = store.moved;
    look ??= store.requirePlace().catch((error) => {
      if (error instanceof StoreMoved && !before) log("warning", { message: error.message });
    }).finally(() => look = undefined);
  }, LOOK_AT_PLACE_MS);
  return async function stopLooking() {
    clearInterval(looking);
    await look;
  };
}

/**
 * Tries a store at the start, and as long as its last read or commit came to nothing: one trial at a time, however many
 * ask whether it is ready. Gives the function that ends it.
 */
function tryFailingStore(store: Store): () => Promise<void> {
  // Its faults are reported where they happen.
  const probe = () => probeStore(store).catch(() => {});
  let trial: Promise<void> | undefined = probe().finally(() => trial = undefined);
  const trying = setInterval(() => {
    if (!store.answers) trial ??= probe().finally(() => trial = undefined);
  }, TRY_STORE_MS);
  return async function stopTrying() {
    clearInterval(trying);
    await trial;
  };
}
