/**
 * The monitor's heartbeat: merges, and delivers alerts, again and again while the process lives. The pause counts from
 * the end of a merge, so that a slow store is not asked ever more often. Deliveries run beside the merges: a webhook that
 * hangs must not keep anything from being measured and stopped.
 *
 * @module
 */
import { type AlertRow, deliverAlerts } from "./alerts.ts";
import type { MergeReport, RiskMonitor } from "./monitor.ts";
import type { Store } from "../../store/store.ts";

/** Milliseconds that an ending process waits for a delivery; one that is not made by then is made by the next process. */
const LAST_DELIVERY_MS = 2_000;

/** How the pulse beats. */
export interface MergeLoopOptions {
  /** Milliseconds between the end of a merge and the next one: what a crash may lose. */
  readonly everyMs: number;
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** Sends an alert out; gives whether it was taken. Absent: alerts stay in the log and the store. */
  readonly send?: ((alert: AlertRow) => Promise<boolean>) | undefined;
  /** Hears of each alert that this process raised. */
  readonly onAlert: (alert: AlertRow) => void;
  /** Hears of a beat that failed; the next one tries again. */
  readonly onError: (error: unknown) => void;
}

/** A beating pulse. */
export interface MergeLoop {
  /** Ends it after one last merge, and a last delivery where the webhook answers soon. */
  stop(): Promise<void>;
}

/** Starts it; the monitor is open. */
export function startMergeLoop(monitor: RiskMonitor, store: Store, options: MergeLoopOptions): MergeLoop {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let beating: Promise<void> = Promise.resolve();
  let delivering: Promise<unknown> | undefined;
  const deliver = () => {
    if (options.send === undefined || delivering !== undefined) return;
    delivering = deliverAlerts(store, options.now(), options.send)
      .catch(options.onError)
      .finally(() => delivering = undefined);
  };
  const beat = async () => {
    try {
      const { alerts }: MergeReport = await monitor.merge(options.now());
      for (const alert of alerts) options.onAlert(alert);
      deliver();
    } catch (error) {
      options.onError(error);
    }
  };
  const schedule = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      beating = beat().then(schedule);
    }, options.everyMs);
  };
  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await beating;
      await beat();
      const waited = Promise.withResolvers<void>();
      const wait = setTimeout(waited.resolve, LAST_DELIVERY_MS);
      await Promise.race([delivering, waited.promise]);
      clearTimeout(wait);
    },
  };
}
