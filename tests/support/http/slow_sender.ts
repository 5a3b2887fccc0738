/**
 * A client that sends a request's header and the first byte of its body, and then nothing for as long as it is let.
 *
 * @module
 */

/** A request that waits. */
export interface SlowSender {
  /** Resolves with the status once there is an answer, with 0 when the connection ended without one. */
  readonly status: Promise<number>;
  /** Closes the connection. */
  readonly leave: () => void;
}

/** Sends the beginning of a request to a path of a service on this machine. */
export async function sendSlowly(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<SlowSender> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n${fields}\r\n{`;
  await connection.write(new TextEncoder().encode(head));
  let open = true;
  return {
    status: readStatus(connection),
    leave() {
      if (open) connection.close();
      open = false;
    },
  };
}

async function readStatus(connection: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(64);
  try {
    const length = await connection.read(buffer) ?? 0;
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(new TextDecoder().decode(buffer.subarray(0, length))) ?? [];
    return Number(status ?? 0);
  } catch {
    return 0;
  }
}
