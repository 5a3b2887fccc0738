/**
 * A socket that goes on listening. The runtime ends a server whose `accept` fails, as it does when the process has no
 * file descriptor left, and closes no connection that sends nothing: it knows no deadline for one.
 *
 * So a server that has ended is followed by another one on the same port, while its connections go on. When that one
 * ends too, and the first has had {@linkcode PATIENCE_MS} to go on, its answers close their connections,
 * and as soon as no request is under way, what still holds one without a request loses it: the connections that somebody
 * opened and left half open are gone, and new ones are taken again.
 *
 * @module
 */
import { type Fault, faultOf } from "./faults.ts";

/** From the end of a server to the next one; twice as long after each that ends at once, up to a second. */
const PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** What the connections of a server that has ended are left alone for. */
const PATIENCE_MS = 10_000;
/** How long no request is under way before the rest of its connections are closed: answers have left until then. */
const QUIET_MS = 1_000;
/** After this the rest is closed whatever is under way. Longer than any deadline of a request. */
const DRAIN_MS = 30_000;
/** How long a server has to listen until the trouble counts as over. */
const CALM_MS = 10_000;

/** What a listener is made of. */
export interface ListenerOptions {
  /** The port; 0 for any, which stays the same afterwards. */
  readonly port: number;
  /** The address of the interface. */
  readonly hostname: string;
  /** Whether other processes listen there as well, among which the system shares the connections out. */
  readonly isShared?: boolean | undefined;
  /** Answers a request, and never rejects. The address is the connection's. */
  readonly handle: (request: Request, address: string | undefined) => Promise<Response>;
  /** Hears of the first server alone: the one that ended, and when one listens again for good. */
  readonly onTrouble: (trouble: Trouble) => void;
}

/** Servers end, or no longer do. */
export type Trouble =
  | { readonly kind: "failed"; readonly fault: Fault }
  | { readonly kind: "over"; readonly failures: number };

/** A server of the runtime with its connections. */
interface Generation {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly connections: AbortController;
  failedAt: number | undefined;
  /** Requests that have no answer yet. */
  underWay: number;
  /** Whether answers close their connections. */
  leaving: boolean;
}

/** Listens until it is shut down. */
export class Listener {
  readonly #options: ListenerOptions;
  /** All that have connections, the newest last. */
  readonly #generations = new Set<Generation>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #failures = 0;
  #pauseMs = PAUSE_MS;
  #stopped = false;

  /** Where it listens. */
  readonly address: Deno.NetAddr;

  /** Listens. @throws {Deno.errors.AddrInUse} If somebody else does. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.address = this.#serve(options.port).server.addr;
  }

  /** Takes no more connections and lets all requests that are under way finish. */
  async shutdown(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#generations].map(({ server }) => server.shutdown()));
  }

  #serve(port: number): Generation {
    const connections = new AbortController();
    const server = Deno.serve({
      port,
      hostname: this.#options.hostname,
      reusePort: this.#options.isShared ?? false,
      signal: connections.signal,
      onListen: () => {},
      // What the runtime stumbles over itself it would print together with the URL.
      onError: () => new Response(null, { status: 400 }),
    }, async (request, { remoteAddr }) => {
      generation.underWay++;
      try {
        // Of the connection only its address goes on, and no further than the throttle.
        const response = await this.#options.handle(request, remoteAddr.hostname);
        return generation.leaving ? lastAnswer(response) : response;
      } finally {
        generation.underWay--;
      }
    });
    const generation: Generation = {
      server,
      connections,
      failedAt: undefined,
      underWay: 0,
      leaving: false,
    };
    this.#generations.add(generation);
    server.finished.then(
      () => this.#generations.delete(generation),
      (error) => {
        generation.failedAt = performance.now();
        this.#recover(error);
      },
    );
    this.#after(CALM_MS, () => {
      if (generation.failedAt !== undefined || this.#failures === 0) return;
      this.#options.onTrouble({ kind: "over", failures: this.#failures });
      this.#failures = 0;
      this.#pauseMs = PAUSE_MS;
    });
    return generation;
  }

  #recover(error: unknown): void {
    if (this.#stopped) return;
    if (this.#failures++ === 0) this.#options.onTrouble({ kind: "failed", fault: faultOf(error) });
    const now = performance.now();
    for (const generation of this.#generations) {
      const { failedAt = Infinity, leaving } = generation;
      if (!leaving && now - failedAt >= PATIENCE_MS) this.#closeWhenQuiet(generation);
    }
    this.#after(this.#pauseMs, () => {
      try {
        this.#serve(this.address.port);
      } catch (error) {
        this.#recover(error);
      }
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #closeWhenQuiet(generation: Generation): void {
    generation.leaving = true;
    const closeAt = performance.now() + DRAIN_MS;
    const look = (quiet: boolean) => {
      if (quiet && generation.underWay === 0 || performance.now() >= closeAt) {
        this.#generations.delete(generation);
        generation.connections.abort();
        return;
      }
      this.#after(QUIET_MS, () => look(generation.underWay === 0));
    };
    look(false);
  }

  #after(milliseconds: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, milliseconds);
    this.#timers.add(timer);
  }
}

/** The same answer, after which the runtime closes its connection (RFC 9112, 9.6). */
function lastAnswer({ body, status, headers }: Response): Response {
  const answer = new Response(body, { status, headers });
  answer.headers.set("connection", "close");
  return answer;
}
