/**
 * HTTP/1.1 over one kept connection, with as little work of its own as can be: on two cores the load generator takes
 * from the server what it spends itself.
 *
 * @module
 */

const HEAD_END = [13, 10, 13, 10] as const;

/** One connection, one request under way at a time. */
export class WireConnection {
  readonly #connection: Deno.TcpConn;
  #buffer = new Uint8Array(64 * 1024);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to a port of this machine. */
  static async open(port: number): Promise<WireConnection> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new WireConnection(connection);
  }

  /** Sends a whole request and reads the whole answer. Gives its status, its body and its length with the head. */
  async exchange(request: Uint8Array): Promise<{ status: number; body: Uint8Array; length: number }> {
    for (let sent = 0; sent < request.length;) sent += await this.#connection.write(request.subarray(sent));
    let length = 0;
    let bodyStart = -1;
    let end = Infinity;
    while (length < end) {
      const read = await this.#connection.read(this.#buffer.subarray(length));
      if (read === null) throw new Error("The server closed the connection");
      length += read;
      if (bodyStart !== -1) continue;
      bodyStart = findHeadEnd(this.#buffer, length);
      if (bodyStart !== -1) end = bodyStart + contentLength(this.#buffer.subarray(0, bodyStart));
    }
    const status = (this.#buffer[9]! - 48) * 100 + (this.#buffer[10]! - 48) * 10 + this.#buffer[11]! - 48;
    return { status, body: this.#buffer.slice(bodyStart, length), length };
  }

  /** Closes it. */
  close(): void {
    this.#connection.close();
  }
}

function findHeadEnd(buffer: Uint8Array, length: number): number {
  for (let at = 0; at + 4 <= length; at++) {
    if (HEAD_END.every((byte, index) => buffer[at + index] === byte)) return at + 4;
  }
  return -1;
}

function contentLength(head: Uint8Array): number {
  const match = /\r\ncontent-length: *([0-9]+)/i.exec(new TextDecoder().decode(head));
  if (match === null) throw new Error("The answer has no content-length");
  return Number(match[1]);
}

/** The bytes of a POST. */
export function postRequest(path: string, headers: Record<string, string>, body: Uint8Array): Uint8Array {
  const lines = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    `content-length: ${body.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "",
    "",
  ];
  const head = new TextEncoder().encode(lines.join("\r\n"));
  const request = new Uint8Array(head.length + body.length);
  request.set(head);
  request.set(body, head.length);
  return request;
}
