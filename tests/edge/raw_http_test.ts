/** Requests that no browser and no `fetch` sends, over a socket, through the function that main.ts serves with. */
import { assert, assertEquals } from "@std/assert";
import { fetchTokens, logsPath, signLog, type Token } from "../support/client/protocol_client.ts";
import { sendRaw } from "../support/http/raw_http.ts";
import { snapshot, type TestService } from "../support/service/service.ts";
import { withSocket } from "../support/service/socket.ts";

const CLOSE = "Host: localhost\r\nConnection: close\r\n\r\n";

Deno.test("A method that no request in here may have is answered 405, not 500", async () => {
  await withSocket(async (test, port) => {
    const before = await snapshot(test.kv);
    for (const method of ["TRACE", "TRACK", "CONNECT", "trace", "M-SEARCH", "PRI", "get", "LINK"]) {
      const { status, body } = await sendRaw(port, `${method} /v1/apps/notes/logs HTTP/1.1\r\n${CLOSE}`);
      assert(status === 405 || status === 400, `${method}: ${status} ${body}`);
    }
    const { status, headers, body } = await sendRaw(port, `TRACE /v1/apps/notes/keys HTTP/1.1\r\n${CLOSE}`);
    assertEquals([status, JSON.parse(body).code], [405, "method_not_allowed"]);
    assertEquals([headers.get("content-type"), headers.get("allow")], ["application/problem+json", "GET"]);
    const unknown = await sendRaw(port, `TRACE /nowhere HTTP/1.1\r\n${CLOSE}`);
    assertEquals([unknown.status, JSON.parse(unknown.body).code], [404, "route_unknown"]);
    assertEquals(await snapshot(test.kv), before);
  });
});

Deno.test("A target or a host that is no URL is refused and leaves no trace of itself", async () => {
  await withSocket(async (_test, port) => {
    const requests = [
      `OPTIONS * HTTP/1.1\r\n${CLOSE}`,
      `GET http://[canary/v1/apps/notes/keys HTTP/1.1\r\n${CLOSE}`,
      `GET http://other.example/v1/apps/notes/keys HTTP/1.1\r\n${CLOSE}`,
      `GET /v1/apps/notes/keys HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n`,
      `GET /v1/apps/notes/keys HTTP/1.1\r\nHost: [canary\r\nConnection: close\r\n\r\n`,
      `GET /v1/apps/notes/keys HTTP/1.1\r\nHost: localhost:99999\r\nConnection: close\r\n\r\n`,
      `GET /v1/apps/notes/keys HTTP/1.1\r\nHost: xn--\r\nConnection: close\r\n\r\n`,
      `GET /v1/apps/notes/keys HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n`,
      `GET /v1/apps/notes/keys HTTP/1.1\r\nConnection: close\r\n\r\n`,
      `GET /v1/apps/notes/keys HTTP/1.0\r\n\r\n`,
      `GET //canary:x@/v1/apps/notes/keys HTTP/1.1\r\n${CLOSE}`,
      `GET canary HTTP/1.1\r\n${CLOSE}`,
      `GET /v1/apps/notes/keys#canary HTTP/1.1\r\n${CLOSE}`,
      `GET /\\canary\\..\\x HTTP/1.1\r\n${CLOSE}`,
    ];
    for (const request of requests) {
      const { status, body } = await sendRaw(port, request);
      assert(status < 500, `${request.split("\r\n", 2).join(" ")}: ${status} ${body}`);
      assert(!body.includes("canary"), body);
    }
  });
});

Deno.test("A GET with a body is answered as one without", async () => {
  await withSocket(async (test, port) => {
    const before = await snapshot(test.kv);
    const length = "Content-Length: 5\r\nConnection: close\r\n\r\nhello";
    const keys = await sendRaw(port, `GET /v1/apps/notes/keys HTTP/1.1\r\nHost: localhost\r\n${length}`);
    assertEquals(keys.status, 200);
    const logs = await sendRaw(port, `GET /v1/apps/notes/logs HTTP/1.1\r\nHost: localhost\r\n${length}`);
    assertEquals([logs.status, JSON.parse(logs.body).code], [405, "method_not_allowed"]);
    assertEquals(await snapshot(test.kv), before);
  });
});

type SignedLog = ReturnType<typeof signLog>;

async function oneToken(test: TestService): Promise<Token> {
  const jwt = await test.signIn("alice");
  const [token] = await fetchTokens(test.send, { jwt, nowSeconds: test.clock.seconds });
  return token!;
}

function head(log: SignedLog, ...fields: string[]): string {
  return [
    `POST ${logsPath()} HTTP/1.1`,
    "Host: localhost",
    "Connection: close",
    ...Object.entries(log.headers).map(([name, value]) => `${name}: ${value}`),
    ...fields,
    "",
    "",
  ].join("\r\n");
}

Deno.test("A log over a socket is taken whole, in chunks, and refused when its length lies", async () => {
  await withSocket(async (test, port) => {
    const token = await oneToken(test);
    const text = (log: SignedLog) => new TextDecoder().decode(log.body);

    const whole = signLog(token);
    const taken = await sendRaw(port, head(whole, `Content-Length: ${whole.body.length}`) + text(whole));
    assertEquals(taken.status, 200, taken.body);

    const chunked = signLog(token, { use: 1 });
    const chunks = text(chunked).match(/[^]{1,50}/g)!.map((part) =>
      `${part.length.toString(16)}\r\n${part}\r\n`
    );
    const inChunks = await sendRaw(
      port,
      `${head(chunked, "Transfer-Encoding: chunked")}${chunks.join("")}0\r\n\r\n`,
    );
    assertEquals(inChunks.status, 200, inChunks.body);

    const before = await snapshot(test.kv);
    const short = signLog(token, { use: 2 });
    const cut = await sendRaw(port, head(short, `Content-Length: ${short.body.length - 1}`) + text(short));
    assertEquals([cut.status, JSON.parse(cut.body).code], [401, "mac_invalid"]);
    const tooLong = await sendRaw(port, head(short, "Content-Length: 9999999999"));
    assertEquals([tooLong.status, JSON.parse(tooLong.body).code], [413, "body_too_large"]);
    // Two lengths, or a length beside chunks: two readers could see two requests (RFC 9112, section 6.3).
    const both = await sendRaw(
      port,
      head(short, "Content-Length: 3", "Transfer-Encoding: chunked") + "0\r\n\r\n",
    );
    assert(both.status >= 400 && both.status < 500 || both.status === 0, `${both.status}`);
    const twice = await sendRaw(port, head(short, "Content-Length: 3", "Content-Length: 4") + "abcd");
    assert(twice.status >= 400 && twice.status < 500 || twice.status === 0, `${twice.status}`);
    assertEquals(await snapshot(test.kv), before);
  });
});

Deno.test("A log whose body never comes is refused after a while", async () => {
  await withSocket(async (test, port) => {
    const log = signLog(await oneToken(test));
    const before = await snapshot(test.kv);
    const never = await sendRaw(port, head(log, `Content-Length: ${log.body.length}`));
    assertEquals([never.status, JSON.parse(never.body).code], [408, "request_timeout"]);
    assertEquals(await snapshot(test.kv), before);
  }, { bodyDeadlineMs: 100 });
});

Deno.test("Header fields beyond every measure are refused", async () => {
  await withSocket(async (_test, port) => {
    const get = (fields: string) => sendRaw(port, `GET /v1/apps/notes/keys HTTP/1.1\r\n${fields}${CLOSE}`);
    // Deno answers more than a hundred itself.
    assert([400, 431].includes((await get("X-Many: 1\r\n".repeat(200))).status));
    assertEquals((await get(`X-Long: ${"1".repeat(17_000)}\r\n`)).status, 431);
    assertEquals((await get(`X-Long: ${"1".repeat(10_000)}\r\n`)).status, 200);
  });
});
