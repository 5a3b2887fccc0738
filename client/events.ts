import type { ClientEvents, Report } from "./types.ts";

type Listener = (event: never) => void;

/** Who listens to a client. A listener that throws is not heard of again in that call: the client goes on. */
export class Listeners {
  readonly #listeners = new Map<keyof ClientEvents, Set<Listener>>();

  /** Adds a listener; the function that comes back removes it. */
  add<N extends keyof ClientEvents>(name: N, listener: (event: ClientEvents[N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener as Listener);
    return () => void listeners.delete(listener as Listener);
  }

  /** Calls the listeners of one event. */
  readonly report: Report = (name, event) => {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (event: unknown) => void)(event);
      } catch {
        // The app's own mistake must not stop its telemetry.
      }
    }
  };
}
