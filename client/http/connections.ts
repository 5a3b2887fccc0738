/**
 * Connections of the platform: a log never travels on one that fetched tokens, where the runtime lets us choose.
 *
 * @module
 */
import type { Fetch } from "../base/types.ts";

interface Pool {
  close(): void;
}

/** The platform's `fetch`, with connections of their own for logs in Deno. Elsewhere nobody can choose. */
export class Connections {
  #logs: Pool | undefined;

  /** Sends a request. */
  readonly fetch: Fetch = (url, init) => {
    if (!url.endsWith("/logs")) return fetch(url, init);
    this.#logs ??= (globalThis as { Deno?: { createHttpClient?(options: object): Pool } }).Deno
      ?.createHttpClient?.({});
    return fetch(url, { ...init, client: this.#logs } as RequestInit);
  };

  /** Closes the connections of logs. */
  close(): void {
    this.#logs?.close();
    this.#logs = undefined;
  }
}
