/**
 * A client in the hands of a framework, which mounts and unmounts what uses it as it likes.
 *
 * @module
 */
import type { DitClient, UntypedEvents } from "./client.ts";

/** A client, which stays the app's, or a function that makes one, which is then closed when nothing uses it any more. */
export type ClientSource<Events = UntypedEvents> = DitClient<Events> | (() => DitClient<Events>);

/** What components log with: the same object as long as what provides it is mounted. */
export interface Telemetry<Events = UntypedEvents> {
  /** As {@linkcode DitClient.log}: for effects and handlers, not while something is rendered. */
  readonly log: DitClient<Events>["log"];
  /** The client itself: for `on()`, `state()`, `setOptOut()`. Making it is left until then: a server makes none. */
  readonly client: DitClient<Events>;
}

/** Makes a client when it is first used, and closes it once nothing is mounted. */
export class HeldClient<Events> implements Telemetry<Events> {
  readonly #source: ClientSource<Events>;
  #client: DitClient<Events> | undefined;
  #mounts = 0;
  #isLettingGo = false;

  /** Makes nothing yet. */
  constructor(source: ClientSource<Events>) {
    this.#source = source;
  }

  /** The one that there is, or a new one. */
  get client(): DitClient<Events> {
    if (typeof this.#source !== "function") return this.#source;
    this.#client ??= this.#source();
    this.#letGo();
    return this.#client;
  }

  /** Logs, detached from this object too. */
  readonly log: DitClient<Events>["log"] = (name, fields) => this.client.log(name, fields);

  /** Something uses it now; the function that comes back ends that, once. */
  readonly mount = (): () => void => {
    let isMounted = true;
    this.#mounts++;
    // Tokens are there before they are needed.
    void this.client;
    return () => {
      if (!isMounted) return;
      isMounted = false;
      this.#mounts--;
      this.#letGo();
    };
  };

  /** Closes it soon, unless something uses it by then: StrictMode, and hot reload, unmount only to mount again. */
  #letGo(): void {
    if (this.#mounts > 0 || this.#isLettingGo) return;
    this.#isLettingGo = true;
    setTimeout(() => {
      this.#isLettingGo = false;
      if (this.#mounts > 0) return;
      void this.#client?.close();
      this.#client = undefined;
    });
  }
}
