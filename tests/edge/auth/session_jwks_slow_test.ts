import { assertEquals } from "@std/assert";
import type { Refusal } from "../../../core/base/errors.ts";
import { createSessionAuthenticator } from "../../../edge/auth/session.ts";
import { applicationOf } from "../../support/service/keys.ts";

const NOW_SECONDS = Date.UTC(2027, 0, 15, 10, 20, 30) / 1000;
/** Its header names ES256 and no key; nothing of it is ever verified here. */
const JWT = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA";

/** A server of key sets that answers as it likes; how many requests reached it, and which. */
function serveKeySet(answer: (path: string) => Response) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return answer(pathname);
  });
  return { server, asked, url: `http://127.0.0.1:${server.addr.port}/keys` };
}

async function codesOf(url: string, count: number): Promise<string[]> {
  const key = { kind: "jwks", url, algorithms: ["ES256"] } as const;
  const app = applicationOf({ session: { issuer: "https://login.example", key } });
  const verify = await createSessionAuthenticator(app, { secret: () => undefined, fetch });
  const ask = () => verify(`Bearer ${JWT}`, NOW_SECONDS).catch((error: Refusal) => error.code);
  const codes = await Promise.all(Array.from({ length: count }, ask));
  return [...codes, await ask()].map(String);
}

Deno.test("a key set that comes drop by drop keeps nobody for longer than three seconds, and is asked for once", async () => {
  const ends: (() => void)[] = [];
  const { server, asked, url } = serveKeySet(() => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const end = () => clearInterval(timer);
    ends.push(end);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (timer = setInterval(() => controller.enqueue(new Uint8Array([32])), 100)),
      cancel: end,
    });
    return new Response(body);
  });
  try {
    assertEquals(new Set(await codesOf(url, 20)), new Set(["sessions_unavailable"]));
    assertEquals(asked, ["/keys"]);
  } finally {
    ends.forEach((end) => end());
    await server.shutdown();
  }
});

Deno.test("a key set is not looked for where a redirect says, and one without end is not read to it", async () => {
  const zeros = new Uint8Array(16_384).fill(48);
  const answers = [
    () => new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
    () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(zeros) })),
  ];
  for (const answer of answers) {
    const { server, asked, url } = serveKeySet(answer);
    try {
      assertEquals(await codesOf(url, 1), ["sessions_unavailable", "sessions_unavailable"]);
      assertEquals(asked, ["/keys"]);
    } finally {
      await server.shutdown();
    }
  }
});
