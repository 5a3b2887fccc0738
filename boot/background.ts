/**
 * What goes on beside requests in every process: the risk sketches are merged and alerts delivered, the counters are
 * written down.
 *
 * @module
 */
import { Refusal } from "../core/base/errors.ts";
import type { AlertRow } from "../core/privacy/risk/alerts.ts";
import { startMergeLoop } from "../core/privacy/risk/merge_loop.ts";
import type { Server } from "../core/service.ts";
import type { Log } from "./log.ts";

/** Between two merges of the risk sketches; in development people wait for what follows. */
const MERGE_MS = 30_000;
const MERGE_MS_IN_DEVELOPMENT = 2_000;
/** What a crash may lose of the counters. */
const FLUSH_COUNTERS_MS = 5_000;

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
    now: service.now,
    send: sendAlert,
    onAlert: ({ delivery: _delivery, ...alert }) => log("risk_alert", alert),
    // The store's faults are reported where they happen.
    onError: (error) => error instanceof Refusal || log("risk_error", { name: (error as Error)?.name }),
  });
  const flush = () => service.counterRows.flush().catch(() => {});
  const flushing = setInterval(flush, FLUSH_COUNTERS_MS);
  return async function stop() {
    clearInterval(flushing);
    await merging.stop();
    await flush();
  };
}
