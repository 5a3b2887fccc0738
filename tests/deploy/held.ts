/**
 * Connections that ask for nothing, or never finish asking: what holds descriptors and places of a server that has no
 * deadlines.
 *
 * @module
 */
import { concat, utf8 } from "../../core/base/bytes.ts";
import { HOSTS } from "./proxies.ts";
import { connectTls, type Way } from "./reach.ts";

/** One way to hold a connection. */
export interface Held {
  readonly name: string;
  /** Opens the connection and begins. */
  readonly begin: (way: Way) => Promise<Deno.Conn>;
  /** What is sent a little later, again and again: a deadline that starts anew with every byte never ends. */
  readonly drip?: Uint8Array<ArrayBuffer>;
  /** Whether HTTP/2 is spoken, where the end of the stream is an end too. */
  readonly framed?: boolean;
}

const PATH = "/v1/apps/demo/logs";
const PREFACE = concat(utf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, new Uint8Array()));
const HEAD = `POST ${PATH} HTTP/1.1\r\nHost: ${HOSTS.logs}\r\n`;

/** A frame (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(
    new Uint8Array([0, payload.length >> 8, payload.length & 255, type, flags, 0, 0, 0, stream]),
    payload,
  );
}

/** The fields of a POST, without an index (RFC 7541, sections 6.1 and 6.2.2; the static table of appendix A). */
function fields(): Uint8Array<ArrayBuffer> {
  const literal = (name: number, value: string) => concat(new Uint8Array([name, value.length]), utf8(value));
  return concat(new Uint8Array([0x83, 0x87]), literal(0x04, PATH), literal(0x01, HOSTS.logs));
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<Deno.Conn> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  return connection;
}

const plain = ({ port }: Way): Promise<Deno.Conn> => Deno.connect({ hostname: "127.0.0.1", port });

function after(alpn: "h2" | "http/1.1", ...parts: Uint8Array[]): (way: Way) => Promise<Deno.Conn> {
  return async (way) => write(await connectTls(way, HOSTS.logs, alpn), concat(...parts));
}

/** The beginning of a ClientHello: a record of 512 bytes, of which 6 are there (RFC 8446, section 5.1). */
const HALF_HELLO = new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);
const BODY_HEAD = `${HEAD}Content-Type: application/json\r\nContent-Length: 6000\r\n\r\n{`;
const HEADERS_DONE = 4;

/** The kinds. */
export const HELD: readonly Held[] = [
  { name: "nothing at all", begin: plain },
  { name: "half a TLS handshake", begin: async (way) => await write(await plain(way), HALF_HELLO) },
  { name: "a TLS handshake alone", begin: after("http/1.1") },
  { name: "half a request line", begin: after("http/1.1", utf8("POST /v1/apps/de")) },
  { name: "headers without an end", begin: after("http/1.1", utf8(HEAD)), drip: utf8("A: b\r\n") },
  { name: "half a body", begin: after("http/1.1", utf8(BODY_HEAD)) },
  { name: "a body that trickles", begin: after("http/1.1", utf8(BODY_HEAD)), drip: utf8(" ") },
  {
    name: "a connection that has had its answer",
    begin: after("http/1.1", utf8(`GET /none HTTP/1.1\r\nHost: ${HOSTS.logs}\r\n\r\n`)),
  },
  { name: "a TLS handshake for HTTP/2 alone", begin: after("h2"), framed: true },
  { name: "the preface of HTTP/2 alone", begin: after("h2", PREFACE), framed: true },
  {
    name: "headers of HTTP/2 without an end",
    begin: after("h2", PREFACE, frame(1, 0, 1, fields())),
    framed: true,
  },
  {
    name: "half a body over HTTP/2",
    begin: after("h2", PREFACE, frame(1, HEADERS_DONE, 1, fields()), frame(0, 0, 1, utf8("{"))),
    framed: true,
  },
  {
    name: "a body that trickles over HTTP/2",
    begin: after("h2", PREFACE, frame(1, HEADERS_DONE, 1, fields())),
    drip: frame(0, 0, 1, utf8(" ")),
    framed: true,
  },
];

const DRIP_MS = 200;

/**
 * Holds a connection until the other side ends it; false when it has not within `patienceMs`, or when it is let go
 * before.
 */
export async function isEnded(
  { begin, drip, framed }: Held,
  way: Way,
  patienceMs: number,
  letGo?: Promise<void>,
): Promise<boolean> {
  const connection = await begin(way);
  const dripping = drip === undefined
    ? undefined
    : setInterval(() => void write(connection, drip).catch(() => {}), DRIP_MS);
  const { promise: impatient, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), patienceMs);
  letGo?.then(() => resolve(false));
  try {
    return await Promise.race([
      impatient,
      framed === true ? streamEnds(connection) : connectionEnds(connection),
    ]);
  } finally {
    clearTimeout(timer);
    clearInterval(dripping);
    connection.close();
  }
}

async function connectionEnds(connection: Deno.Conn): Promise<true> {
  const buffer = new Uint8Array(4_096);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // Reset, or closed without TLS's own goodbye.
  }
  return true;
}

/** Ends with the connection, or with stream 1: by a reset (type 3), or by an answer's last frame (flag 1). */
async function streamEnds(connection: Deno.Conn): Promise<true> {
  let rest = new Uint8Array();
  const buffer = new Uint8Array(4_096);
  try {
    for (let count; (count = await connection.read(buffer)) !== null;) {
      rest = concat(rest, buffer.subarray(0, count));
      while (rest.length >= 9) {
        const [high = 0, middle = 0, low = 0, type = 0, flags = 0] = rest;
        const length = high << 16 | middle << 8 | low;
        if (rest.length < 9 + length) break;
        if (rest[8] === 1 && (type === 3 || type <= 1 && (flags & 1) === 1)) return true;
        rest = rest.slice(9 + length);
      }
    }
  } catch {
    // As above.
  }
  return true;
}
