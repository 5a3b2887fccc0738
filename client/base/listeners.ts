import type { ClientEvents, Report } from "./types.ts";

type Listener = (event: never) => void;

/** Who listens to a client. What a listener throws stays there: the client goes on. */
export class Listeners {
  readonly #listeners: { readonly name: keyof ClientEvents; readonly listener: Listener }[] = [];

  /** Adds a listener; the function that comes back removes it. */
  add<N extends keyof ClientEvents>(name: N, listener: (event: ClientEvents[N]) => void): () => void {
    const entry = { name, listener: listener as Listener };
    this.#listeners.push(entry);
    return () => void this.#listeners.splice(this.#listeners.indexOf(entry) >>> 0, 1);
  }

  /** Calls the listeners of one event. */
  readonly report: Report = (name, event) => {
    for (const entry of [...this.#listeners]) {
      try {
        if (entry.name === name) (entry.listener as (event: unknown) => void)(event);
      } catch {
        // The app's own mistake must not stop its telemetry.
      }
    }
  };
}
