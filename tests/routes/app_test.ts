/** What is the same for every route: methods, unknown paths, browsers, health, development. */
import { VERSION } from "../../boot/version.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeJwt } from "jose";
import { assertRefusedUnwritten } from "../support/http/assert_answers.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  fetchTokens,
  signLog,
} from "../support/client/protocol_client.ts";
import { ADMIN_TOKEN, OPERATED } from "../support/browser/console_browser.ts";
import { snapshot, withService } from "../support/service/service.ts";

const ROUTES = [
  ["/v1/apps/notes/tokens", "POST"],
  ["/v1/apps/notes/logs", "POST"],
  ["/v1/apps/notes/keys", "GET"],
  ["/v1/apps/notes/schema", "GET"],
  ["/healthz", "GET"],
  ["/readyz", "GET"],
] as const;
const FOR_BROWSERS = ROUTES.slice(0, 4);
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"];

for (const [path, allowed] of ROUTES) {
  Deno.test(`${path} answers 405 method_not_allowed to all but ${allowed}, and says so`, async () => {
    await withService({}, async (test) => {
      for (const method of METHODS.filter((method) => method !== allowed)) {
        await assertRefusedUnwritten(test, [path, { method }], 405, "method_not_allowed");
        const response = await test.send(path, { method });
        await response.body?.cancel();
        assertEquals(response.headers.get("allow"), allowed);
      }
    });
  });
}

Deno.test("Every path that is no route answers 404 route_unknown, whatever it carries", async () => {
  await withService({}, async (test) => {
    const headers = { authorization: "Bearer x", cookie: "a=b" };
    for (
      const path of [
        "/",
        "/v1",
        "/v1/",
        "/v1/apps",
        "/v1/apps/notes",
        "/v1/apps/notes/logs/",
        "/v1/apps/notes/logs/x",
        "/v1/apps/notes/LOGS",
        "/v1/apps//logs",
        "/v2/apps/notes/logs",
        "/V1/apps/notes/logs",
        "//v1/apps/notes/logs",
        "/v1/apps/notes/%6cogs%2f",
        "/v1/apps/not%2fes/logs/x",
        "/healthz/",
        "/dev/session",
        "/dev/store",
        "/favicon.ico",
        "/%00",
        "/%ff%fe",
        "/v1/apps/notes/logs;x=1",
      ]
    ) {
      for (const method of ["GET", "POST", "PUT"]) {
        await assertRefusedUnwritten(test, [path, { method, headers }], 404, "route_unknown");
      }
    }
  });
});

Deno.test("Beside a port of operators, the public one knows no path that a route or a guard of theirs answers", async () => {
  const settings = { operatorsListener: { host: "127.0.0.1", port: 0 } };
  await withService({ ...OPERATED, settings }, async (test) => {
    const theirs = test.app.routes.map(({ path }) => path).filter((path) =>
      /^\/(?:admin|console|metrics)/.test(path)
    );
    const paths = new Set(theirs.flatMap((path) => {
      const one = path.replace(/:[a-z]+/g, "notes").replace(/\/\*$/, "");
      return [one, `${one}/`, `${one}/x`];
    }));
    for (const path of ["/admin", "/console", "/metrics"]) assert(paths.has(path), path);
    for (const authorization of ["Bearer x", `Bearer ${ADMIN_TOKEN}`]) {
      for (const path of paths) {
        const response = await test.send(path, { headers: { authorization } });
        assertEquals([response.status, (await response.json()).code], [404, "route_unknown"], path);
      }
    }
  });
});

Deno.test("A dot segment leads where it says, and an encoded letter nowhere", async () => {
  await withService({}, async (test) => {
    for (
      const path of ["/v1/apps/x/../notes/keys", "/v1/./apps/notes/keys", "/v1/apps/x/%2e%2E/notes/keys"]
    ) {
      const response = await test.send(path);
      assertEquals([response.status, (await response.json()).app], [200, "notes"], path);
    }
    for (const path of ["/v1/apps/%6eotes/keys", "/v1/apps/notes%00/keys", "/v1/apps/notes%20/keys"]) {
      await assertRefusedUnwritten(test, [path], 404, "route_unknown");
    }
  });
});

Deno.test("OPTIONS answers browsers of every origin alike, and never with credentials", async () => {
  await withService({}, async (test) => {
    const before = await snapshot(test.kv);
    for (const [path] of FOR_BROWSERS) {
      for (const origin of ["https://app.example", "null", undefined]) {
        const response = await test.send(path, {
          method: "OPTIONS",
          headers: {
            ...(origin === undefined ? {} : { origin }),
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,x-canary",
          },
        });
        assertEquals([response.status, await response.text()], [204, ""]);
        // Hono names a header that the answer does not depend on; no cache keeps answers to OPTIONS.
        response.headers.delete("vary");
        response.headers.delete("cache-control");
        assertEquals(Object.fromEntries(response.headers), {
          "access-control-allow-origin": "*",
          "access-control-allow-methods": "GET,POST",
          "access-control-allow-headers": "authorization,content-type,content-encoding,*",
          "access-control-expose-headers": "DIT-Replayed,Retry-After,ETag,Date,Age",
          "access-control-max-age": "7200",
        });
      }
    }
    assertEquals(await snapshot(test.kv), before);
  });
});

Deno.test("Every answer to a browser may be read by it: successes, refusals, and those of the edge", async () => {
  await withService({}, async (test) => {
    const jwt = await test.signIn("alice");
    const key = await fetchIssuingKey(test.send, test.clock.seconds);
    const [token] = await fetchTokens(test.send, { jwt, nowSeconds: test.clock.seconds });
    const log = signLog(token!);
    const requests: [status: number, path: string, init?: RequestInit][] = [
      [200, "/v1/apps/notes/keys"],
      [304, "/v1/apps/notes/keys", { headers: { "if-none-match": "*" } }],
      [200, "/v1/apps/notes/schema"],
      [200, "/v1/apps/notes/tokens", batchRequest(jwt, blindBatch(key, 1).request)],
      [401, "/v1/apps/notes/tokens", batchRequest(undefined, blindBatch(key, 1).request)],
      [200, "/v1/apps/notes/logs", log],
      [200, "/v1/apps/notes/logs", log],
      [409, "/v1/apps/notes/logs", signLog(token!)],
      [404, "/v1/apps/nobody/keys"],
      [404, "/v1/apps/notes/other"],
      [405, "/v1/apps/notes/keys", { method: "DELETE" }],
      [400, "/v1/apps/notes/logs?x=1", log],
      [431, "/v1/apps/notes/keys", { headers: { "x-long": "1".repeat(16_384) } }],
    ];
    for (const [status, path, init] of requests) {
      const response = await test.send(path, init);
      await response.body?.cancel();
      assertEquals(response.status, status, path);
      assertEquals(response.headers.get("access-control-allow-origin"), "*", `${status} ${path}`);
      const exposed = response.headers.get("access-control-expose-headers")!.split(",");
      for (const name of response.headers.keys()) {
        if (["dit-replayed", "retry-after", "etag"].includes(name)) {
          assert(exposed.some((other) => other.toLowerCase() === name), `${status} ${path}: ${name}`);
        }
      }
      assertEquals(response.headers.get("access-control-allow-credentials"), null);
      assertEquals(response.headers.get("vary"), null);
    }
  });
});

Deno.test("What is not for browsers carries nothing for them", async () => {
  await withService({ development: true }, async (test) => {
    for (const path of ["/healthz", "/readyz", "/nothing", "/dev/session"]) {
      const response = await test.send(path, { headers: { origin: "https://app.example" } });
      await response.body?.cancel();
      assertEquals(response.headers.get("access-control-allow-origin"), null, path);
    }
  });
});

Deno.test("/healthz and /readyz answer without being cached, and write nothing", async () => {
  await withService({}, async (test) => {
    const before = await snapshot(test.kv);
    const answers = { "/healthz": { status: "ok", version: VERSION }, "/readyz": { status: "ready" } };
    for (const [path, answer] of Object.entries(answers)) {
      const response = await test.send(path);
      assertEquals([response.status, await response.json()], [200, answer]);
      assertEquals(response.headers.get("cache-control"), "no-store");
      await assertRefusedUnwritten(test, [`${path}?verbose`], 400, "query_refused");
    }
    assertEquals(await snapshot(test.kv), before);
  });
});

Deno.test("POST /dev/session signs anybody in where it exists, and its session gives tokens", async () => {
  await withService({ development: true }, async (test) => {
    const signIn = (body: string) => test.send("/dev/session", { method: "POST", body });
    const response = await signIn('{"client": "alice"}');
    assertEquals(response.headers.get("cache-control"), "no-store");
    const { jwt, expires_in } = await response.json();
    assertEquals(expires_in, 3_600);
    assertEquals(decodeJwt(jwt).sub, "alice");
    assertEquals((await fetchTokens(test.send, { jwt, nowSeconds: test.clock.seconds })).length, 1);
    for (
      const body of ["", "{", "[]", "{}", '{"client": ""}', '{"client": 1}', '{"client": "a", "sub": "b"}']
    ) {
      await assertRefusedUnwritten(test, ["/dev/session", { method: "POST", body }], 400, "body_malformed");
    }
    const long = JSON.stringify({ client: "a".repeat(5_000) });
    await assertRefusedUnwritten(
      test,
      ["/dev/session", { method: "POST", body: long }],
      413,
      "body_too_large",
    );
    const other = '{"client": "alice", "app": "nobody"}';
    await assertRefusedUnwritten(test, ["/dev/session", { method: "POST", body: other }], 404, "app_unknown");
  });
});

Deno.test("A line about an answer says its route, status, code and coarse duration, and nothing else", async () => {
  await withService({}, async (test) => {
    const jwt = await test.signIn("alice-canary");
    const [token] = await fetchTokens(test.send, { jwt, nowSeconds: test.clock.seconds });
    const log = signLog(token!);
    test.answers.length = 0;
    for (
      const [path, init] of [
        ["/v1/apps/notes/logs", log],
        ["/v1/apps/notes/logs", signLog(token!)],
        ["/v1/apps/canary/keys", {}],
        ["/canary?canary=1", { headers: { "user-agent": "canary" } }],
      ] as const
    ) await (await test.send(path, init)).body?.cancel();
    assertEquals(test.answers.map(({ duration: _, ...line }) => line), [
      { route: "logs", status: 200 },
      { route: "logs", status: 409, code: "use_taken" },
      { route: "keys", status: 404, code: "app_unknown" },
      { route: "unknown", status: 400, code: "query_refused" },
    ]);
    for (const { duration } of test.answers) assertMatch(duration, /^(<10ms|<100ms|<1s|>=1s)$/);
    assert(!JSON.stringify(test.answers).includes("canary"));
  });
});
