/**
 * A TCP listener that passes every connection on to another port of this machine and can end it at any byte. An HTTP
 * handler cannot do that: the least it can do is to answer.
 *
 * @module
 */

/** What a gate does with a connection that it has accepted: ends it after so many bytes, both ways together. */
export type ByteLimit = () => number | undefined;

/** A listener in front of another one. */
export interface TcpGate {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Ends the connection whose far side has this local port (what the server behind sees as its peer). */
  cut(upstreamPort: number): void;
  /** Suppressions listening and ends every connection. */
  close(): Promise<void>;
}

/** Opens a gate on 127.0.0.1. Port 0 takes a free one. Throws `Deno.errors.AddrInUse`. */
export function openTcpGate(port: number, upstreamPort: number, byteLimit: ByteLimit): TcpGate {
  const hostname = "127.0.0.1";
  const listener = Deno.listen({ hostname, port });
  const links = new Map<number, () => void>();
  const running = new Set<Promise<void>>();

  async function link(near: Deno.TcpConn, limit: number): Promise<void> {
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect({ hostname, port: upstreamPort });
    } catch {
      return near.close();
    }
    const id = far.localAddr.port;
    const end = () => {
      if (!links.delete(id)) return;
      near.close();
      far.close();
    };
    links.set(id, end);
    near.setNoDelay();
    far.setNoDelay();
    let left = limit;
    const copy = async (from: Deno.TcpConn, to: Deno.TcpConn) => {
      const buffer = new Uint8Array(64 * 1024);
      try {
        for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
          const passed = Math.min(count, left);
          left -= passed;
          for (let sent = 0; sent < passed;) sent += await to.write(buffer.subarray(sent, passed));
          if (left === 0) break;
        }
      } catch {
        // The other side has gone, or this link was cut: either way it ends.
      }
      end();
    };
    await Promise.all([copy(near, far), copy(far, near)]);
  }

  const accepting = (async () => {
    for await (const near of listener) {
      const limit = byteLimit() ?? Infinity;
      if (limit === 0) {
        near.close();
        continue;
      }
      const run = link(near, limit).finally(() => running.delete(run));
      running.add(run);
    }
  })();

  return {
    port: listener.addr.port,
    cut: (upstreamPort) => links.get(upstreamPort)?.(),
    async close() {
      listener.close();
      await accepting;
      for (const end of links.values()) end();
      await Promise.all(running);
    },
  };
}
