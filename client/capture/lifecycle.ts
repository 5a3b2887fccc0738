/**
 * That an app was started, and that it crashed before; an entry point of its own.
 *
 * @module
 */
import type { DitClient } from "../client.ts";
import { RunMark } from "./run_mark.ts";
import { type EventName, harmless, listen, logTo, type Target } from "./target.ts";

export type { EventName, Target } from "./target.ts";

/** Most crashes that one start logs. */
const MOST_CRASHES = 5;

/** Where starts and crashes are logged. */
export interface LifecycleOptions<Events, Start extends EventName<Events>, Crash extends EventName<Events>> {
  /** The event of a start; none by default. */
  readonly start?: Target<Events, Start>;
  /** The event of a run that crashed, logged by a later one; none by default, and then nothing is stored. */
  readonly crash?: Target<Events, Crash>;
  /** Begins the names of what is stored in `localStorage`; `"dit"` by default. Apps of one origin need one each. */
  readonly name?: string;
}

/** The part of `document` that is used. */
interface Watched extends EventTarget {
  readonly visibilityState: string;
}

/**
 * Logs that the app was started, now, and each run of it that has crashed since the last start. A run is marked in
 * `localStorage` while its page is looked at and the client is open; one that ends in order, is hidden, or whose user
 * opts out has no mark. So a crash is one that somebody saw. It needs `localStorage` and Web Locks, which tell the mark of
 * another window from that of a dead one; without them no crash is logged.
 *
 * The function that comes back takes the mark away. It never throws.
 *
 * @example
 * ```ts ignore
 * import { captureLifecycle } from "@dit/service/capture_lifecycle";
 *
 * const end = captureLifecycle(client, {
 *   start: { event: "app_started", fields: { version: "1.4" } },
 *   crash: { event: "app_crashed", fields: { version: "1.4" } },
 * });
 * ```
 */
export function captureLifecycle<Events, Start extends EventName<Events>, Crash extends EventName<Events>>(
  client: DitClient<Events>,
  options: LifecycleOptions<Events, Start, Crash>,
): () => void {
  const ends: (() => void)[] = [];
  harmless(() => {
    const { start, crash, name = "dit" } = options;
    if (start !== undefined) logTo(client, start);
    if (crash === undefined) return;
    const { document } = globalThis as { document?: Watched };
    const mark = new RunMark(name);
    const look = harmless(() => {
      if (client.state() === "open" && document?.visibilityState !== "hidden") mark.set();
      else mark.remove();
    });
    ends.push(client.on("state", look), listen("pagehide", mark.remove), listen("pageshow", look));
    // Where there is no page.
    ends.push(listen("unload", mark.remove));
    document?.addEventListener("visibilitychange", look);
    ends.push(() => document?.removeEventListener("visibilitychange", look), mark.remove);
    look();
    if (client.state() !== "open") return;
    mark.takeDead().then((dead) => {
      for (let crashes = 0; crashes < Math.min(dead, MOST_CRASHES); crashes++) logTo(client, crash);
    }).catch(() => {});
  })();
  return harmless(() => ends.splice(0).forEach((end) => end()));
}
