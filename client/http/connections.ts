/**
 * Connections of the platform. What travels on one connection is linked, so no log travels on one that fetched tokens,
 * nor on one of another pseudonym, nor one account's session on one of another's, where the runtime lets us choose
 * (docs/threat_model.md has the table by runtime).
 *
 * @module
 */
import { platformRandom, randomFraction } from "../base/random.ts";
import type { Fetch, Step } from "../base/types.ts";

/** What shares no connection with the rest: directory and tokens, schema and logs, what a mirror shows. */
type Side = "issuing" | "logging" | "mirror";

const SIDES: Partial<Record<Step, Side>> = { schema: "logging", logs: "logging", mirror: "mirror" };

/** A `fetch` that is told for which step it asks, and who alone may share the request's connection. */
export type PooledFetch = (url: string, init: RequestInit, step: Step, owner?: string) => Promise<Response>;

/** A pool of Deno's. */
interface HttpClient {
  close(): void;
}

/**
 * Bits of OpenSSL's options that mean nothing to BoringSSL, which is Bun's: they change no byte of a handshake, and are
 * settings of TLS all the same.
 */
const SPARE_OPTIONS = 0x3f8fff;

/** Connections that one owner shares: an account at issuance, a pseudonym (or a token, where none is collected) at logs. */
interface Pool {
  /** Tells it from all others, and nothing about its owner: some of the spare options. */
  readonly id: number;
  readonly client: HttpClient | undefined;
  /** Absent until a request names one: documents are nobody's. */
  owner: string | undefined;
}

/** What Node's `fetch` hands its requests to. */
interface Dispatcher {
  dispatch(options: { origin: string | URL }, handler: object): unknown;
  readonly isMockActive?: boolean;
}

/** The platform's `fetch`, or the app's own, with connections of their own for each step and owner. */
export class Connections {
  readonly #own: Fetch | undefined;
  readonly #pools: Partial<Record<Side, Pool>> = {};

  /** Nothing is connected yet. An app's own `fetch` is told which pool a request belongs to. */
  constructor(own?: Fetch) {
    this.#own = own;
  }

  /** Sends a request. */
  readonly fetch: PooledFetch = (url, init, step, owner) => {
    const { id, client } = this.#pool(SIDES[step] ?? "issuing", owner);
    if (this.#own !== undefined) return this.#own(url, init, String(id));
    // Each runtime passes over what is for another one. Bun shares every connection but those of requests that say
    // this (as browsers take it anyway), and resumes every session of a host but under other settings of TLS.
    const tls = { secureOptions: id };
    const chosen = { keepalive: false, ...init, client, dispatcher: dispatcherOf(id), tls };
    return fetch(url, chosen as RequestInit);
  };

  /** Closes all connections. */
  close(): void {
    for (const side of Object.keys(this.#pools) as Side[]) {
      this.#pools[side]?.client?.close();
      delete this.#pools[side];
    }
  }

  #pool(side: Side, owner: string | undefined): Pool {
    let pool = this.#pools[side];
    if (pool?.owner !== undefined && owner !== undefined && pool.owner !== owner) {
      pool.client?.close();
      pool = undefined;
    }
    pool ??= {
      id: (randomFraction(platformRandom) * 2 ** 32 & SPARE_OPTIONS) | 1,
      client: (globalThis as { Deno?: { createHttpClient?(options: object): HttpClient } }).Deno
        ?.createHttpClient?.({}),
      owner,
    };
    pool.owner ??= owner;
    return this.#pools[side] = pool;
  }
}

/**
 * What Node's `fetch` takes as `dispatcher`, and every other one passes over: the global one, as the app may have set it
 * (for a proxy, or an authority), with the origin written so that its connections are the pool's own. It keeps
 * connections by the origin's letters, and a name before the host is in none of a request's bytes.
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
