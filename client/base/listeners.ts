import type { DropReason } from "./codes.ts";
import type { ClientEvents, Report } from "./types.ts";

type Listener = (event: never) => void;

/** So many drops are told one by one; the next ones are added up for a second. */
const MOST_TOLD = 1_000;
const SECOND = 1_000;

/**
 * Who listens to a client. What a listener throws stays there: the client goes on. A listener that causes what it listens
 * to is not called again before it has returned, and one that logs whenever an event was dropped does not keep the
 * client, or the page, busy: after a thousand drops those of the next second are told as one for each reason.
 */
export class Listeners {
  readonly #listeners = new Set<{
    readonly name: keyof ClientEvents;
    readonly listener: Listener;
    isRunning: boolean;
  }>();
  #told = 0;
  readonly #untold = new Map<DropReason, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Adds a listener; the function that comes back removes it. */
  add<N extends keyof ClientEvents>(name: N, listener: (event: ClientEvents[N]) => void): () => void {
    const entry = { name, listener: listener as Listener, isRunning: false };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Calls the listeners of one event. */
  readonly report: Report = (name, event) => {
    if (name === "dropped" && ++this.#told > MOST_TOLD) {
      const { events, reason } = event as ClientEvents["dropped"];
      this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + events);
      this.#timer ??= setTimeout(this.catchUp, SECOND);
      // Where a timer would keep the process alive, it does not.
      (this.#timer as { unref?: () => void }).unref?.();
      return;
    }
    for (const entry of [...this.#listeners]) {
      if (entry.name !== name || entry.isRunning) continue;
      entry.isRunning = true;
      try {
        (entry.listener as (event: unknown) => void)(event);
      } catch {
        // The app's own mistake must not stop its telemetry.
      }
      entry.isRunning = false;
    }
  };

  /** Tells now what was added up. */
  readonly catchUp = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = 0;
    const untold = [...this.#untold];
    this.#untold.clear();
    for (const [reason, events] of untold) this.report("dropped", { events, reason });
  };
}
