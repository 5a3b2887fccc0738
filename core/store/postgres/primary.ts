/**
 * Which of several servers takes writes now. It is looked for once, and again when it was lost: all servers at once, each
 * again and again with pauses that grow, until one is found, whether anybody waits for it or not.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import type { Server } from "./url.ts";

/** Tries a server for a limited time, and ends well where it is the one; `over`: nobody wants to know any more. */
export type Probe = (server: Server, over: AbortSignal) => Promise<void>;

/**
 * So long do calls wait for a search, so that they do not feel a server that starts anew; after it they fail at once. In
 * the first search, which is a start's, they wait for what each server says or until it has not answered in time.
 */
const PATIENCE_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** A server that connects and takes no writes. */
export class NotPrimary extends Error {
  override readonly name = "NotPrimary";
  /** With a message that names no server. */
  constructor() {
    super("The server takes no writes: it is a standby, or was made read-only.");
  }
}

/** A search that is under way. */
interface Search {
  /** The server, or, once the patience is over, why there is none. */
  readonly found: Promise<Server>;
  /** Ends it without a result. */
  readonly stop: () => void;
}

/** The server that takes writes. */
export class Primary {
  readonly #servers: readonly Server[];
  readonly #probe: Probe;
  #found: Server | undefined;
  #search: Search | undefined;
  #hasSearched = false;
  #isClosed = false;

  /** Among `servers`; looks for nothing yet. */
  constructor(servers: readonly Server[], probe: Probe) {
    this.#servers = servers;
    this.#probe = probe;
  }

  /** The server. Rejects with what a server said last, while there is none. */
  find(): Promise<Server> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#found !== undefined) return Promise.resolve(this.#found);
    return (this.#search ?? this.#start()).found;
  }

  /** It is not the one any more, or does not answer: the next is looked for. */
  lost(server: Server): void {
    if (this.#found !== server || this.#isClosed) return;
    this.#found = undefined;
    if (this.#search === undefined) this.#start();
  }

  /** Looks no more. */
  close(): void {
    this.#isClosed = true;
    this.#search?.stop();
    this.#search = undefined;
  }

  #start(): Search {
    const over = new AbortController();
    const { promise: found, resolve, reject } = Promise.withResolvers<Server>();
    // Nobody may be waiting when it comes to nothing.
    found.catch(() => {});
    const search: Search = {
      found,
      stop() {
        over.abort();
        reject(closed());
      },
    };
    // Before anything can be found: Deno may run what waits while it loads a part of itself, within the next lines.
    this.#search = search;
    const failures = new Map<Server, unknown>();
    const firstAttempts = this.#servers.map((server) => {
      const { promise, resolve: attempted } = Promise.withResolvers<void>();
      this.#watch(server, over.signal, (error) => {
        failures.set(server, error);
        attempted();
      }).then(() => {
        attempted();
        if (over.signal.aborted) return;
        over.abort();
        this.#found = server;
        this.#search = undefined;
        resolve(server);
      });
      return promise;
    });
    // A network that swallows what is sent may say nothing for long: only a start can wait for that.
    const awaited = this.#hasSearched ? [] : firstAttempts;
    this.#hasSearched = true;
    Promise.all([pause(PATIENCE_MS, over.signal), ...awaited]).then(() =>
      reject(mostTelling([...failures.values()]) ?? new Error("No server has answered yet."))
    );
    return search;
  }

  /** Probes a server until that goes well or the search is over. */
  async #watch(server: Server, over: AbortSignal, failed: (error: unknown) => void): Promise<void> {
    for (let milliseconds = FIRST_PAUSE_MS; !over.aborted;) {
      try {
        return await this.#probe(server, over);
      } catch (error) {
        failed(error);
      }
      await pause(milliseconds, over);
      milliseconds = Math.min(2 * milliseconds, LONGEST_PAUSE_MS);
    }
  }
}

function closed(): Error {
  return new Error("The store is closed.");
}

/** What a server said, or how it is set, before what was said of one that does not answer; last of all that it is a standby. */
function mostTelling(errors: readonly unknown[]): unknown {
  const rank = (error: unknown) =>
    error instanceof NotPrimary
      ? 2
      : error instanceof StoreOpenError || (error as { severity?: unknown }).severity !== undefined
      ? 0
      : 1;
  return errors.toSorted((a, b) => rank(a) - rank(b))[0];
}

/** Waits, no longer than until `over`. */
function pause(milliseconds: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (over.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      over.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    over.addEventListener("abort", end);
  });
}
