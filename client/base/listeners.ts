import type { ClientEvents, Report } from "./types.ts";

type Listener = (event: never) => void;

/** Who listens to a client. What a listener throws stays there: the client goes on. */
export class Listeners {
  readonly #listeners = new Set<{ readonly name: keyof ClientEvents; readonly listener: Listener }>();

  /** Adds a listener; the function that comes back removes it. */
  add<N extends keyof ClientEvents>(name: N, listener: (event: ClientEvents[N]) => void): () => void {
    const entry = { name, listener: listener as Listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Calls the listeners of one event. */
  readonly report: Report = (name, event) => {
    for (const entry of [...this.#listeners]) {
      if (entry.name !== name) continue;
      try {
        (entry.listener as (event: unknown) => void)(event);
      } catch {
        // The app's own mistake must not stop its telemetry.
      }
    }
  };
}
