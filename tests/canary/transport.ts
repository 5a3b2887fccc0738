/**
 * Clients that send exactly the bytes they are told to, from an address of their own, over HTTP/1.1 or HTTP/2 without
 * TLS: fetch() can do none of this.
 *
 * @module
 */
import http2 from "node:http2";
import net from "node:net";
import type { Buffer } from "node:buffer";
import { concat, utf8 } from "../../core/base/bytes.ts";

/** A request as it goes out. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The Host header, where it is not the server's address. */
  readonly host?: string;
}

/** An answer. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Sends one request from `localAddress` to a port of this machine. */
export type Transport = (port: number, localAddress: string, request: RawRequest) => Promise<RawAnswer>;

/** Sends bytes over TCP and gives all that comes back until the other side closes. */
export function exchangeBytes(port: number, localAddress: string, bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const socket = net.connect({ host: "127.0.0.1", port, localAddress }, () => void socket.write(bytes));
    socket.on("data", (chunk: Buffer) => chunks.push(new Uint8Array(chunk)));
    socket.on("close", () => resolve(concat(...chunks)));
    socket.on("error", reject);
    socket.setTimeout(10_000, () => socket.destroy());
  });
}

/** HTTP/1.1, one connection a request. */
export const http1: Transport = async (port, localAddress, request) => {
  const { method, path, headers, body = new Uint8Array(), host = `127.0.0.1:${port}` } = request;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body.length > 0 || method === "POST" ? [`Content-Length: ${body.length}`] : []),
  ];
  return parseAnswer(
    await exchangeBytes(port, localAddress, concat(utf8(lines.join("\r\n") + "\r\n\r\n"), body)),
  );
};

function parseAnswer(bytes: Uint8Array): RawAnswer {
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  const rest = bytes.slice(end + 4);
  const body = headers.get("transfer-encoding") === "chunked" ? joinChunks(rest) : rest;
  return { status: Number(first.split(" ")[1]), headers, body };
}

function joinChunks(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    const length = parseInt(new TextDecoder().decode(bytes.subarray(at, end)), 16);
    if (!(length > 0)) break;
    chunks.push(bytes.subarray(end + 1, end + 1 + length));
    at = end + 1 + length + 2;
  }
  return concat(...chunks);
}

/** HTTP/2 with prior knowledge, one connection a request. */
export const http2PriorKnowledge: Transport = (port, localAddress, request) => {
  const { method, path, headers, body, host = `127.0.0.1:${port}` } = request;
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`, {
      createConnection: () => net.connect({ host: "127.0.0.1", port, localAddress }),
    });
    session.on("error", reject);
    const stream = session.request({ ":method": method, ":path": path, ":authority": host, ...headers });
    const chunks: Uint8Array[] = [];
    let status = 0;
    const received = new Headers();
    stream.on("response", (fields: Record<string, unknown>) => {
      status = Number(fields[":status"]);
      for (const [name, value] of Object.entries(fields)) {
        if (!name.startsWith(":")) received.set(name, String(value));
      }
    });
    stream.on("data", (chunk: Buffer) => chunks.push(new Uint8Array(chunk)));
    stream.on("error", reject);
    stream.on("end", () => {
      session.close();
      resolve({ status, headers: received, body: concat(...chunks) });
    });
    stream.end(body);
  });
};
