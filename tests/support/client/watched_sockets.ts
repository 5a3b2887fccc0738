/**
 * A service on a socket that somebody watches: which request came on which connection, and which connection began with
 * a TLS session of an earlier one.
 *
 * @module
 */
import { fromBase64url } from "../../../core/base/bytes.ts";
import { present } from "../base/present.ts";
import type { TestService } from "./client_service.ts";

/** A request as the service could link it. */
export interface WatchedRequest {
  /** The last part of its path: `keys`, `schema`, `tokens` or `logs`. */
  readonly step: string;
  /** Which connection it came on: the port that was watched, and a number. */
  readonly connection: string;
  /** Whether that connection's handshake offered to resume a session. */
  readonly resumes: boolean;
  /** The version of HTTP, as far as it shows: HTTP/2 has no field `Host`. */
  readonly isHttp2: boolean;
  /** Whose it is: the account of a token request, the pseudonym of a log; empty for documents. */
  readonly owner: string;
}

/** A watched service. */
export interface WatchedSockets extends AsyncDisposable {
  /** Where it listens, on 127.0.0.1: for TLS where there is a certificate. */
  readonly port: number;
  /** Whoever asks for it has all connections dropped: what comes next has to connect anew. */
  readonly dropUrl: string;
}

const hostname = "127.0.0.1";

/** Whether a ClientHello offers a session: a pre-shared key (TLS 1.3), a ticket or an id (TLS 1.2). */
function offersSession(record: Uint8Array): boolean {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  // Record and handshake header, version and random; then the id, ciphers and compression methods, each with its length.
  let at = 5 + 4 + 2 + 32;
  at += 1 + view.getUint8(at);
  at += 2 + view.getUint16(at);
  at += 1 + view.getUint8(at);
  const end = at + 2 + view.getUint16(at);
  for (at += 2; at < end;) {
    const [type, length] = [view.getUint16(at), view.getUint16(at + 2)];
    if (type === 41 || (type === 35 && length > 0)) return true;
    at += 4 + length;
  }
  return false;
}

/** Reads the first record of TLS whole; what came with it stays with it. */
async function readRecord(near: Deno.Conn): Promise<Uint8Array<ArrayBuffer>> {
  let read = new Uint8Array(0);
  const buffer = new Uint8Array(16_384);
  while (read.length < 5 || read.length < 5 + (present(read[3]) << 8 | present(read[4]))) {
    const count = await near.read(buffer);
    if (count === null) break;
    read = new Uint8Array([...read, ...buffer.subarray(0, count)]);
  }
  return read;
}

async function ownerOf(step: string, headers: Headers, body: Uint8Array): Promise<string> {
  if (step === "tokens") {
    const [, payload = ""] = present(headers.get("authorization")).split(".");
    return JSON.parse(new TextDecoder().decode(fromBase64url(payload))).sub;
  }
  if (step !== "logs") return "";
  const plain = headers.get("content-encoding") === "gzip"
    ? new Blob([new Uint8Array(body)]).stream().pipeThrough(new DecompressionStream("gzip"))
    : new Uint8Array(body);
  return (await new Response(plain).json()).pseudonym;
}

/** What is watched, and who is told. */
export interface Watch {
  readonly service: Pick<TestService, "fetch">;
  /** A certificate and its key, for TLS; in the clear without. */
  readonly pem?: string | undefined;
  /** Hears of every request but preflights. */
  readonly onRequest: (request: WatchedRequest) => void;
}

/** Watches a service. */
export function watchSockets({ service, pem, onRequest }: Watch): WatchedSockets {
  /** What is known of each connection, by the port from which it goes on to the server. */
  const known = new Map<number, { connection: string; resumes: boolean }>();
  const open = new Set<Deno.Conn>();
  const tls = pem === undefined ? {} : { cert: pem, key: pem };
  const server = Deno.serve(
    { hostname, port: 0, ...tls, onListen: () => {} },
    async (request, { remoteAddr }) => {
      const step = present(new URL(request.url).pathname.split("/").at(-1));
      const { method, headers } = request;
      const body = method === "POST" ? await request.bytes() : null;
      const from = present(known.get(remoteAddr.port));
      if (method !== "OPTIONS") {
        const owner = await ownerOf(step, headers, body ?? new Uint8Array());
        onRequest({ step, ...from, isHttp2: !headers.has("host"), owner });
      }
      return await service.fetch(request.url, { method, headers, body });
    },
  );
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const dropping = Deno.serve({ hostname, port: 0, onListen: () => {} }, () => {
    dropAll();
    return new Response(null, { headers: { "access-control-allow-origin": "*" } });
  });

  function dropAll(): void {
    for (const near of open) {
      try {
        near.close();
      } catch {
        // Its client has closed it.
      }
    }
    open.clear();
  }

  async function link(near: Deno.Conn): Promise<void> {
    open.add(near);
    const first = pem === undefined ? new Uint8Array() : await readRecord(near);
    if (pem !== undefined && first[0] !== 22) return near.close();
    using far = await Deno.connect({ hostname, port: (server.addr as Deno.NetAddr).port });
    known.set((far.localAddr as Deno.NetAddr).port, {
      connection: `${port}/${known.size}`,
      resumes: pem !== undefined && offersSession(first),
    });
    const writer = far.writable.getWriter();
    await writer.write(first);
    writer.releaseLock();
    await Promise.any([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
  }

  const running = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const near of listener) {
      const linked: Promise<void> = link(near).catch(() => {}).finally(() => running.delete(linked));
      running.add(linked);
    }
  })();
  return {
    port,
    dropUrl: `http://${hostname}:${(dropping.addr as Deno.NetAddr).port}/`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      dropAll();
      await Promise.all([...running, dropping.shutdown(), server.shutdown()]);
    },
  };
}
