/**
 * Connections that somebody opens and never finishes a request on.
 *
 * @module
 */

/** What stands on them, in turn. The runtime has no deadline for any. */
const BEGINNINGS = [
  "",
  "G",
  "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Without: end\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/** Half-open connections to one port. */
export class HalfOpen implements Disposable {
  readonly #port: number;
  readonly #connections: Deno.Conn[] = [];

  /** To a port of this machine. */
  constructor(port: number) {
    this.#port = port;
  }

  /** How many this side has open. */
  get size(): number {
    return this.#connections.length;
  }

  /** Opens some, as far as they are taken. */
  async open(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      try {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
        this.#connections.push(connection);
        const beginning = BEGINNINGS[this.#connections.length % BEGINNINGS.length] ?? "";
        // It may have been reset already.
        if (beginning !== "") connection.write(new TextEncoder().encode(beginning)).catch(() => {});
      } catch (error) {
        if (!isRefused(error)) throw error;
      }
    }
  }

  /** Closes some, the oldest first. */
  close(count: number): void {
    for (const connection of this.#connections.splice(0, count)) connection.close();
  }

  /** Closes all. */
  [Symbol.dispose](): void {
    this.close(this.size);
  }
}

/** Whether the other side did not want it, or changed its mind before this side could look at it. */
function isRefused(error: unknown): boolean {
  const { ConnectionRefused, ConnectionReset, NotConnected } = Deno.errors;
  return [ConnectionRefused, ConnectionReset, NotConnected].some((kind) => error instanceof kind);
}
