/**
 * Ways to a proxy that listens on a port of this machine, under the names of its hosts.
 *
 * @module
 */
import http2 from "node:http2";
import tls from "node:tls";
import type { Certificates } from "./certificates.ts";

/** The far end of a way. */
export interface Way {
  readonly port: number;
  readonly certificates: Certificates;
}

/** Speaks TLS to a proxy by the name of one of its hosts. */
export async function connectTls(
  { port, certificates }: Way,
  host: string,
  alpn: "h2" | "http/1.1",
): Promise<Deno.TlsConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const encrypted = await Deno.startTls(connection, {
    hostname: host,
    caCerts: [certificates.authority],
    alpnProtocols: [alpn],
  });
  await encrypted.handshake();
  return encrypted;
}

/** A request over HTTP/2 to `authority`, on a connection that was opened for `host`. Gives the status. */
export async function askCoalesced(
  { port, certificates }: Way,
  { host, authority, path }: { readonly host: string; readonly authority: string; readonly path: string },
): Promise<number> {
  const socket = tls.connect({
    host: "127.0.0.1",
    port,
    servername: host,
    ca: certificates.authority,
    ALPNProtocols: ["h2"],
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  const session = http2.connect(`https://${host}`, { createConnection: () => socket });
  try {
    return await new Promise<number>((resolve, reject) => {
      const stream = session.request({ ":path": path, ":authority": authority });
      stream.on("response", (headers) => resolve(Number(headers[":status"])));
      stream.on("error", reject);
      session.on("error", reject);
      stream.resume();
      stream.end();
    });
  } finally {
    session.destroy();
    socket.destroy();
  }
}

/** `fetch` through a proxy, for the names of its hosts. */
export interface Reach extends AsyncDisposable {
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
}

/** Opens a way for `fetch`: names lead to this machine by a tunnel (RFC 9110, section 9.3.6). */
export function openReach({ port, certificates }: Way, version: "http/1.1" | "h2"): Reach {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const accepting = (async () => {
    for await (const near of listener) tunnel(near, port, open).catch(() => {});
  })();
  const client = Deno.createHttpClient({
    caCerts: [certificates.authority],
    proxy: { transport: "http", url: `http://127.0.0.1:${listener.addr.port}` },
    http1: version === "http/1.1",
    http2: version === "h2",
  });
  return {
    fetch: (url, init) => fetch(url, { ...init, client }),
    async [Symbol.asyncDispose]() {
      client.close();
      listener.close();
      await accepting;
      for (const connection of open) close(connection);
    },
  };
}

async function tunnel(near: Deno.TcpConn, port: number, open: Set<Deno.Conn>): Promise<void> {
  open.add(near);
  const buffer = new Uint8Array(4_096);
  for (let asked = ""; !asked.includes("\r\n\r\n");) {
    const count = await near.read(buffer);
    if (count === null) return close(near);
    asked += new TextDecoder().decode(buffer.subarray(0, count));
  }
  const far = await Deno.connect({ hostname: "127.0.0.1", port });
  open.add(far);
  await near.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
  await Promise.allSettled([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
  open.delete(near);
  open.delete(far);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Its stream has closed it.
  }
}

/** What OpenSSL's client makes of a connection. */
export interface OpensslAnswer {
  /** All that it printed: facts of the handshake and what the server said. */
  readonly text: string;
  /** Whether the session was resumed; undefined where there was no handshake. */
  readonly resumed: boolean | undefined;
}

/** Sends text over a TLS connection of OpenSSL's client, which shows its sessions and chooses its address. */
export async function askOpenssl(
  { port, certificates }: Way,
  host: string,
  text: string,
  ...options: string[]
): Promise<OpensslAnswer> {
  const child = new Deno.Command("openssl", {
    args: [
      ...["s_client", "-connect", `127.0.0.1:${port}`, "-servername", host, "-ign_eof"],
      ...["-CAfile", certificates.authorityFile, ...options],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  // It ends when the server closes; one that has ended already takes no text.
  const wrote = input.write(new TextEncoder().encode(text)).catch(() => {});
  const { stdout, stderr } = await child.output();
  await wrote;
  await input.close().catch(() => {});
  const printed = new TextDecoder("latin1").decode(stdout) + new TextDecoder("latin1").decode(stderr);
  const [, handshake] = /^(New|Reused), TLSv/m.exec(printed) ?? [];
  return { text: printed, resumed: handshake === undefined ? undefined : handshake === "Reused" };
}
