/**
 * Requests byte by byte over a socket: what no `fetch` would send.
 *
 * @module
 */

/** An answer as it came over the socket. */
export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  /** Header fields by their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Everything behind the header fields, one character a byte. */
  readonly body: string;
}

const GIVE_UP_MS = 60_000;

/** Sends text and reads one answer: to its length, or until the other side closes or has said nothing for a minute. */
export async function sendRaw(port: number, text: string): Promise<RawAnswer> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let open = true;
  const close = () => {
    if (open) connection.close();
    open = false;
  };
  const giveUp = setTimeout(close, GIVE_UP_MS);
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(16 * 1024);
  let received = "";
  try {
    await connection.write(new TextEncoder().encode(text));
    for (let length; !isWhole(received) && (length = await connection.read(buffer)) !== null;) {
      received += decoder.decode(buffer.subarray(0, length));
    }
  } catch (error) {
    // A server that resets a connection has said what it wanted to say; a closed one was given up on.
    if (open && !(error instanceof Deno.errors.ConnectionReset)) throw error;
  } finally {
    clearTimeout(giveUp);
    close();
  }
  return parse(received);
}

function parse(received: string): RawAnswer {
  const end = received.indexOf("\r\n\r\n");
  const [line = "", ...fields] = received.slice(0, Math.max(0, end)).split("\r\n");
  return {
    status: Number(line.split(" ")[1] ?? 0),
    headers: new Map(fields.map((field) => {
      const at = field.indexOf(":");
      return [field.slice(0, at).toLowerCase(), field.slice(at + 1).trim()];
    })),
    body: end === -1 ? "" : received.slice(end + 4),
  };
}

function isWhole(received: string): boolean {
  const { headers, body } = parse(received);
  const length = headers.get("content-length");
  return length !== undefined && body.length >= Number(length);
}
