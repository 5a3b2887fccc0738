/**
 * What ends TLS in front of a service: a listener for each host, with a certificate of its own that a tests' authority has
 * signed. It passes bytes on as they come and notes which requests came over which connection.
 *
 * @module
 */

/** A host in front of a service. */
export interface TlsHost extends AsyncDisposable {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** The targets of the requests of each connection, in order. */
  readonly connections: readonly (readonly string[])[];
}

/** What a listener is made of. */
export interface TlsHostOptions {
  /** Certificate and key, in PEM. */
  readonly pem: string;
  /** Where it listens; a free port by default. */
  readonly port?: number;
  /** The port of the service. */
  readonly servicePort: number;
}

/** Listens for one host. */
export function listenTls({ pem, port = 0, servicePort }: TlsHostOptions): TlsHost {
  const hostname = "127.0.0.1";
  const listener = Deno.listenTls({ hostname, port, cert: pem, key: pem, alpnProtocols: ["http/1.1"] });
  const connections: string[][] = [];
  const running = new Set<Promise<void>>();

  async function link(near: Deno.TlsConn): Promise<void> {
    using far = await Deno.connect({ hostname, port: servicePort });
    const targets: string[] = [];
    connections.push(targets);
    const noting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        // A request's line begins its own chunk: clients write head and body apart from the next head.
        const [, target] = /^[A-Z]+ (\S+) HTTP\/1\.1\r\n/.exec(new TextDecoder().decode(chunk)) ?? [];
        if (target !== undefined) targets.push(target);
        controller.enqueue(chunk);
      },
    });
    await Promise.allSettled([
      near.readable.pipeThrough(noting).pipeTo(far.writable),
      far.readable.pipeTo(near.writable),
    ]);
  }

  const accepting = (async () => {
    for (;;) {
      let near: Deno.TlsConn;
      try {
        near = await listener.accept();
      } catch (error) {
        // Closed, or a handshake that failed.
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        continue;
      }
      const linked = link(near).catch(() => {}).finally(() => running.delete(linked));
      running.add(linked);
    }
  })();
  return {
    port: listener.addr.port,
    connections,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(running);
    },
  };
}
