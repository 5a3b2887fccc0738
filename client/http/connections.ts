/**
 * Connections of the platform. What travels on one connection is linked, and what is asked for at one moment, too: the
 * schema is asked for before somebody signs in, the directory after a log that was refused. So each request has a
 * connection of its own that ends with it, where the runtime lets us choose (docs/threat_model.md has the table).
 *
 * @module
 */
import { platformRandom, randomFraction } from "../base/random.ts";
import type { Fetch } from "../base/types.ts";

/** A pool of Deno's. */
interface HttpClient {
  close(): void;
}

/**
 * Bits of OpenSSL's options that mean nothing to BoringSSL, which is Bun's: they change no byte of a handshake, and are
 * settings of TLS all the same.
 */
const SPARE_OPTIONS = 0x3f8fff;

/** What Node's `fetch` hands its requests to. */
interface Dispatcher {
  dispatch(options: { origin: string | URL }, handler: object): unknown;
  readonly isMockActive?: boolean;
}

/**
 * The platform's `fetch`, or the app's own, which is told that each request has a pool of its own. It is taken once: who
 * replaces it later neither sees a request nor breaks one. `fetch: window.fetch` is called as the window's.
 */
export function apart(own: Fetch | undefined): Fetch {
  const taken = (own ?? globalThis.fetch as Fetch).bind(globalThis);
  return async (url, init) => {
    // Tells a request from all others, and nothing about whose it is: some of the spare options.
    const id = (randomFraction(platformRandom) * 2 ** 32 & SPARE_OPTIONS) | 1;
    if (own !== undefined) return await taken(url, init, String(id));
    // Each runtime passes over what is for another one. Bun shares every connection but those of requests that say
    // this (as browsers take it anyway), and resumes every session of a host but under other settings of TLS.
    const tls = { secureOptions: id };
    const client = (globalThis as { Deno?: { createHttpClient?(options: object): HttpClient } }).Deno
      ?.createHttpClient?.({});
    try {
      const chosen = { keepalive: false, ...init, client, dispatcher: dispatcherOf(id), tls };
      return await taken(url, chosen as RequestInit);
    } finally {
      // The answer is still read to its end, then the connection is nobody's.
      client?.close();
    }
  };
}

/**
 * What Node's `fetch` takes as `dispatcher`, and every other one passes over: the global one, as the app may have set it
 * (for a proxy, or an authority), with the origin written so that its connection is the request's own. It keeps
 * connections by the origin's letters, and a name before the host is in none of a request's bytes. `reset` would end it
 * with its answer, and would take a broken answer for a whole one.
 */
function dispatcherOf(id: number): Dispatcher {
  return {
    dispatch(options, handler) {
      const globals = globalThis as unknown as Record<symbol, Dispatcher>;
      // Node 26 has handlers of another form, and a dispatcher that takes them beside the one that takes the old form.
      const version = "onRequestStart" in handler ? 2 : 1;
      const global = globals[Symbol.for(`undici.globalDispatcher.${version}`)] as Dispatcher;
      const origin = String(options.origin).replace("//", `//${id}@`);
      return global.dispatch(global.isMockActive ? options : { ...options, origin }, handler);
    },
  };
}
