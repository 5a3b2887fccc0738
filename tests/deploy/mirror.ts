/**
 * What stands behind a proxy in place of the service, to see what passes: servers that remember what reached them, of
 * which one can close every connection without an answer.
 *
 * @module
 */
import { UNCOUNTED } from "../../edge/http/body_wait.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";

/** More than any proxy passes on. */
const MAX_BYTES = 1_000_000;

/** A request as it reached the far side of a proxy. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body; undefined when it broke off. */
  readonly digest: string | undefined;
}

/** The servers. */
export interface Mirror extends AsyncDisposable {
  /** Where they listen. */
  readonly ports: readonly [number, number, number];
  /** What has reached those that answer, health checks aside. */
  readonly arrived: Arrived[];
}

/** SHA-256 in hexadecimal digits. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** How a mirror answers. */
export interface MirrorOptions {
  /** Whether the third server closes connections instead of answering; false by default. */
  readonly thirdCloses?: boolean;
  /** Milliseconds in which a body has to arrive, as in the service; its own by default. */
  readonly bodyDeadlineMs?: number;
}

/** Opens the servers. An application named `busy` is answered 503, any other 200 with 2,000 equal letters. */
export function openMirror({ thirdCloses = false, bodyDeadlineMs }: MirrorOptions = {}): Mirror {
  const arrived: Arrived[] = [];
  const serve = () =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/readyz") return new Response();
      const digest = await readBoundedBody(request, {
        maxBytes: MAX_BYTES,
        deadlineMs: bodyDeadlineMs,
        wait: UNCOUNTED,
      }).then(
        digestOf,
        () => undefined,
      );
      const headers = Object.fromEntries(request.headers);
      arrived.push({ method: request.method, path: pathname + search, headers, digest });
      const status = digest === undefined ? 408 : pathname.includes("/busy/") ? 503 : 200;
      return new Response("a".repeat(2_000), { status, headers: { "content-type": "text/plain" } });
    });
  const servers = [serve(), serve(), serve()];
  const closing = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of closing) closeUnanswered(connection).catch(() => {});
  })();
  const [first = 0, second = 0, third = 0] = servers.map(({ addr }) => addr.port);
  return {
    ports: [first, second, thirdCloses ? closing.addr.port : third],
    arrived,
    async [Symbol.asyncDispose]() {
      closing.close();
      await accepting;
      await Promise.all(servers.map((server) => server.shutdown()));
    },
  };
}

/** Says that it is ready to whoever asks, and nothing else to anybody. */
async function closeUnanswered(connection: Deno.Conn): Promise<void> {
  using closed = connection;
  const buffer = new Uint8Array(4_096);
  const count = await closed.read(buffer);
  if (count === null || !new TextDecoder().decode(buffer.subarray(0, count)).startsWith("GET /readyz")) {
    return;
  }
  await closed.write(
    new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
  );
}
