/**
 * The distance between two regions: a TCP proxy through which every byte takes its time, and every connection a round
 * trip before its first one.
 *
 * @module
 */

/** A way from here to a server far away. */
export interface Distance {
  /** Where it begins, on 127.0.0.1. */
  readonly port: number;
  /** Ends it, with every connection. */
  close(): Promise<void>;
}

/** Puts a server on this machine `roundTripMs` away. */
export function putFarAway(serverPort: number, roundTripMs: number): Distance {
  const hostname = "127.0.0.1";
  const listener = Deno.listen({ hostname, port: 0 });
  const ends = new Set<() => void>();
  const running = new Set<Promise<void>>();

  async function carry(near: Deno.TcpConn): Promise<void> {
    // TCP's own handshake, which between two sockets of one machine takes no time.
    await wait(roundTripMs);
    const far = await Deno.connect({ hostname, port: serverPort });
    const end = () => {
      if (!ends.delete(end)) return;
      near.close();
      far.close();
    };
    ends.add(end);
    near.setNoDelay();
    far.setNoDelay();
    await Promise.all([delay(near, far, roundTripMs / 2), delay(far, near, roundTripMs / 2)]);
    end();
  }

  const accepting = (async () => {
    for await (const near of listener) {
      const run = carry(near).catch(() => near.close()).finally(() => running.delete(run));
      running.add(run);
    }
  })();

  return {
    port: listener.addr.port,
    async close() {
      listener.close();
      await accepting;
      for (const end of ends) end();
      await Promise.all(running);
    },
  };
}

/** Passes bytes on, each `milliseconds` after it came, until one side has gone. */
async function delay(from: Deno.TcpConn, to: Deno.TcpConn, milliseconds: number): Promise<void> {
  let sent: Promise<unknown> = Promise.resolve();
  try {
    while (true) {
      const buffer = new Uint8Array(64 * 1024);
      const length = await from.read(buffer);
      if (length === null) break;
      const due = wait(milliseconds);
      // In order, and without waiting for one another: what follows at once arrives at once.
      sent = sent.then(() => due).then(() => writeAll(to, buffer.subarray(0, length)));
      sent.catch(() => {});
    }
    await sent;
  } catch {
    // Cut: there is nothing left to pass on.
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
