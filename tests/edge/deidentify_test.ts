import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Admission } from "../../edge/admission/admission.ts";
import type { AccessLine } from "../../edge/access_log.ts";
import { Guesses } from "../../edge/admission/guesses.ts";
import { deidentify, type EdgeHandler, type EdgeOptions } from "../../edge/deidentify.ts";
import { ROUTE_KINDS } from "../../edge/strip.ts";
import { problemResponse } from "../../edge/http/problem.ts";
import { Refusal } from "../../core/base/errors.ts";

const HOP_TOKEN = "the secret of all regions, 32 characters";
const LOGS = "/v1/apps/demo/logs";
const TOKENS = "/v1/apps/demo/tokens";
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

interface Edge {
  readonly handle: EdgeHandler;
  /** What reached the handler. */
  readonly seen: Request[];
  readonly lines: AccessLine[];
}

function makeEdge(options: Partial<EdgeOptions> = {}): Edge {
  const seen: Request[] = [];
  const lines: AccessLine[] = [];
  const { handle: answer = () => new Response("{}"), ...rest } = options;
  const handle = deidentify({
    admission: new Admission(random),
    onAnswer: (line) => lines.push(line),
    ...rest,
    handle: (request, bindings) => {
      seen.push(request);
      return answer(request, bindings);
    },
  });
  return { handle, seen, lines };
}

/** Header fields by which clients, browsers, proxies and edge vendors say who or where somebody is. */
const TELLTALES = [
  ..."x-forwarded-for x-real-ip forwarded via x-client-ip true-client-ip cf-connecting-ip cf-ray cf-ipcountry"
    .split(
      " ",
    ),
  ..."fastly-client-ip x-vercel-id x-amzn-trace-id cloudfront-viewer-country x-azure-clientip user-agent"
    .split(
      " ",
    ),
  ..."accept accept-language accept-encoding cookie referer origin if-none-match if-modified-since range dnt"
    .split(
      " ",
    ),
  ..."sec-ch-ua sec-ch-ua-platform sec-fetch-site sec-gpc traceparent tracestate baggage x-request-id etag"
    .split(
      " ",
    ),
  ..."x-b3-traceid from authorization-extra proxy-authorization dit-client x-dit-code priority".split(
    " ",
  ),
];
const HEADER_NAME = fc.oneof(
  fc.constantFrom(...TELLTALES),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/),
);
const PATH = fc.constantFrom(
  LOGS,
  TOKENS,
  "/v1/apps/demo/keys",
  "/v1/apps/demo/schema",
  "/healthz",
  "/dev/session",
  "/v1/apps/demo/logs/",
  "/nowhere",
);

Deno.test("deidentify() lets no header outside its kind's list reach a handler", async () => {
  const { handle, seen } = makeEdge();
  await fc.assert(fc.asyncProperty(
    PATH,
    fc.array(fc.tuple(HEADER_NAME, fc.stringMatching(/^[!-~]{1,40}$/)), { maxLength: 60 }),
    async (path, headers) => {
      seen.length = 0;
      // The Host field stands in every request of HTTP/1.1.
      const all: [string, string][] = [["host", "localhost:8000"], ...headers];
      await handle(new Request(`http://localhost:8000${path}`, { headers: all }), "192.0.2.1");
      assertEquals(seen.length, 1);
      const allowed = ROUTE_KINDS.find((kind) => kind.path.test(path))?.headers ?? [];
      const reached = [...seen[0]!.headers.keys()];
      assertEquals(reached.filter((name) => !allowed.includes(name)), []);
    },
  ));
});

Deno.test("deidentify() passes method, path, body and the headers of the list, and nothing of the host", async () => {
  const { handle, seen } = makeEdge();
  const headers = {
    "content-type": "application/json",
    "content-encoding": "gzip",
    "content-length": "2",
    authorization: "DIT key=a",
  };
  await handle(
    new Request(`https://who.example:8443${LOGS}`, { method: "POST", headers, body: "{}" }),
    "::1",
  );
  const [request] = seen;
  assertEquals([request!.method, request!.url], ["POST", `http://dit.internal${LOGS}`]);
  assertEquals(Object.fromEntries(request!.headers), headers);
  assertEquals(await request!.text(), "{}");
  assertEquals([request!.referrer, request!.signal.aborted], ["about:client", false]);
});

Deno.test("deidentify() keeps a session off the anonymous route, and lets it through to tokens", async () => {
  const { handle, seen } = makeEdge();
  for (const authorization of ["Bearer a.b.c", "Basic dTpw", "DITX key=a", "", "dit key=a"]) {
    await handle(new Request(`https://x.example${LOGS}`, { headers: { authorization } }), undefined);
    await handle(new Request(`https://x.example${TOKENS}`, { headers: { authorization } }), undefined);
  }
  const reached = (path: string) =>
    seen.filter(({ url }) => url.endsWith(path)).map(({ headers }) => headers.get("authorization"));
  assertEquals(reached(LOGS), [null, null, null, null, "dit key=a"]);
  assertEquals(reached(TOKENS), ["Bearer a.b.c", "Basic dTpw", "DITX key=a", "", "dit key=a"]);
});

Deno.test("deidentify() refuses a query on every public route before a handler sees it", async () => {
  const { handle, seen, lines } = makeEdge();
  for (const path of [LOGS, TOKENS, "/v1/apps/demo/keys", "/v1/apps/demo/schema", "/healthz", "/nowhere"]) {
    // An empty one says one bit, and nobody needs it.
    for (const query of ["?who=alice", "?"]) {
      const response = await handle(new Request(`https://x.example${path}${query}`), undefined);
      assertEquals([response.status, (await response.json()).code], [400, "query_refused"]);
    }
  }
  assertEquals(seen, []);
  assert(!JSON.stringify(lines).includes("alice"));
});

Deno.test("deidentify() refuses a path in other letters: routes would find in it what its limits do not", async () => {
  const { handle, seen } = makeEdge({ guesses: new Guesses(random), adminHost: "admin.example" });
  const paths = [
    "/console/sign%2Din",
    "/%63onsole/sign-in",
    "/v1/apps/demo/lo%67s",
    "/ad%6Din/v1/apps/demo/logs",
  ];
  for (const path of paths) {
    for (const host of ["x.example", "admin.example"]) {
      const response = await handle(new Request(`https://${host}${path}`, { method: "POST" }), undefined);
      assertEquals([response.status, (await response.json()).code], [404, "route_unknown"], path);
    }
  }
  assertEquals(seen, []);
});

Deno.test("deidentify() refuses too many headers, and too long ones", async () => {
  const { handle, seen } = makeEdge();
  const many = Array.from({ length: 101 }, (_, index): [string, string] => [`x-${index}`, "1"]);
  for (const headers of [many, [["x-long", "a".repeat(16 * 1024)] as [string, string]]]) {
    const response = await handle(new Request(`https://x.example${LOGS}`, { headers }), undefined);
    assertEquals([response.status, (await response.json()).code], [431, "headers_too_large"]);
  }
  const fits = await handle(new Request(`https://x.example${LOGS}`, { headers: many.slice(1) }), undefined);
  assertEquals([fits.status, seen.length], [200, 1]);
  await fits.body?.cancel();
});

Deno.test("deidentify() counts header fields of one name one by one", async () => {
  const { handle, seen } = makeEdge();
  const statusOf = async (name: string, fields: number, value = "1") => {
    const headers = Array.from({ length: fields }, (): [string, string] => [name, value]);
    const response = await handle(new Request(`https://x.example${LOGS}`, { headers }), undefined);
    await response.body?.cancel();
    return response.status;
  };
  for (const name of ["x-a", "forwarded"]) {
    assertEquals([await statusOf(name, 100), await statusOf(name, 101)], [200, 431]);
  }
  // A name counts as often as it is sent, too: 70 of 241 bytes are more than 16 KiB with their names.
  assertEquals([await statusOf("x".repeat(220), 70, "y".repeat(21)), seen.length], [431, 2]);
});

Deno.test("deidentify() answers preflights the same for everyone", async () => {
  const { handle, seen } = makeEdge();
  const headers = {
    origin: "https://who.example",
    "access-control-request-method": "PUT",
    "access-control-request-headers": "x-who",
  };
  await handle(new Request(`https://x.example${LOGS}`, { method: "OPTIONS", headers }), undefined);
  assertEquals([...seen[0]!.headers], [["access-control-request-method", "POST"]]);
});

Deno.test("deidentify() believes a hop only with the right secret, and only where regions ask each other", async () => {
  const { handle, seen } = makeEdge({ hopToken: HOP_TOKEN });
  const hopOf = async (path: string, hop: string | undefined, to = handle) => {
    seen.length = 0;
    const headers = hop === undefined ? {} : { "dit-hop": hop };
    await (await to(new Request(`https://localhost${path}`, { headers }), "192.0.2.1")).body?.cancel();
    return seen[0]?.headers.get("dit-hop");
  };
  const wrong = [
    "x",
    "?1",
    "?0",
    HOP_TOKEN.slice(1),
    HOP_TOKEN.slice(0, -1),
    `${HOP_TOKEN}x`,
    "x".repeat(40),
  ];
  for (const path of [LOGS, "/v1/apps/demo/keys"]) {
    assertEquals(await hopOf(path, HOP_TOKEN), "?1");
    assertEquals(await hopOf(path, undefined), null);
    // A wrong one is never passed on; all that is left of it is that the request has been on its way before.
    for (const hop of wrong) assertEquals(await hopOf(path, hop), "?0");
  }
  for (const path of [TOKENS, "/v1/apps/demo/schema", "/healthz", "/dev/session", "/nowhere"]) {
    for (const hop of [HOP_TOKEN, ...wrong]) assertEquals(await hopOf(path, hop), null);
  }
  // Where there is no secret, nothing is one.
  const single = makeEdge();
  for (const hop of [HOP_TOKEN, "undefined", ""]) {
    await single.handle(new Request(`https://x.example${LOGS}`, { headers: { "dit-hop": hop } }), undefined);
  }
  assertEquals(single.seen.map(({ headers }) => headers.get("dit-hop")), ["?0", "?0", "?0"]);
});

Deno.test("deidentify() throttles a hop with a wrong secret like everybody, and one with the right one not", async () => {
  const admission = new Admission(random, { burst: 1, requestsPerSecond: 1e-9 });
  const { handle } = makeEdge({ hopToken: HOP_TOKEN, admission });
  const statusOf = async (hop: string) => {
    const headers = { "dit-hop": hop };
    const response = await handle(new Request(`https://x.example${LOGS}`, { headers }), "192.0.2.1");
    await response.body?.cancel();
    return response.status;
  };
  for (let index = 0; index < 5; index++) assertEquals(await statusOf(HOP_TOKEN), 200);
  assertEquals([await statusOf("wrong"), await statusOf("wrong")], [200, 429]);
  assertEquals(await statusOf(HOP_TOKEN), 200);
});

Deno.test("deidentify() keeps issuance and logs on hosts of their own", async () => {
  const { handle } = makeEdge({
    issueHost: "tokens.example",
    logHost: "logs.example",
    hopToken: HOP_TOKEN,
  });
  const statusOf = async (url: string, headers: Record<string, string> = {}) => {
    const response = await handle(new Request(url, { method: "POST", headers }), undefined);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await statusOf(`https://tokens.example${TOKENS}`), 200);
  assertEquals(await statusOf(`https://LOGS.example:8443${LOGS}`), 200);
  for (const host of ["logs.example", "tokens.example.", "xtokens.example", "other.example", "[::1]"]) {
    assertEquals(await statusOf(`https://${host}${TOKENS}`), 404, host);
  }
  for (const host of ["tokens.example", "logs.example.evil.example", "127.0.0.1"]) {
    assertEquals(await statusOf(`https://${host}${LOGS}`), 404, host);
  }
  // A region reaches another by the URL that they share, whatever the hosts of clients are.
  assertEquals(await statusOf(`https://eu.internal.example${LOGS}`, { "dit-hop": HOP_TOKEN }), 200);
  assertEquals(await statusOf(`https://eu.internal.example${LOGS}`, { "dit-hop": "wrong" }), 404);
  for (const host of ["tokens.example", "logs.example", "other.example"]) {
    assertEquals(await statusOf(`https://${host}/v1/apps/demo/keys`), 200);
  }
});

Deno.test("deidentify() strips every answer on the anonymous route to what is on its list", async () => {
  const telltales = {
    "set-cookie": "id=1",
    etag: '"1"',
    "last-modified": "Sun, 22 Nov 2026 19:00:00 GMT",
    "x-request-id": "1",
    "server-timing": "id;desc=1",
    "cache-control": "public, max-age=3600",
    location: "/1",
    link: "</1>; rel=preload",
    "accept-ch": "sec-ch-ua-full-version-list",
    nel: "{}",
    "report-to": "{}",
    "alt-svc": 'h3=":443"',
  };
  const kept = { "content-type": "application/json", "dit-replayed": "?1", "retry-after": "5" };
  for (const status of [200, 409, 503]) {
    const { handle } = makeEdge({
      handle: () => new Response("{}", { status, headers: { ...telltales, ...kept } }),
    });
    const response = await handle(new Request(`https://x.example${LOGS}`, { method: "POST" }), undefined);
    assertEquals(response.status, status);
    assertEquals(Object.fromEntries(response.headers), { "cache-control": "no-store", ...kept });
    assertEquals(await response.text(), "{}");
  }
});

Deno.test("deidentify() writes a line with route, status, code and a coarse duration, and nothing else", async () => {
  const { handle, lines } = makeEdge({
    handle: (request) => {
      if (request.url.endsWith("/keys")) return problemResponse(new Refusal("key_unknown", "Unknown."));
      if (request.url.endsWith("/schema")) throw new Error("who");
      return new Response("{}");
    },
  });
  const headers = { "user-agent": "who", cookie: "who=1" };
  for (const path of [LOGS, "/v1/apps/who/keys", "/v1/apps/demo/schema", "/who", `${LOGS}?who`]) {
    const response = await handle(new Request(`https://who.example${path}`, { headers }), "192.0.2.77");
    assertEquals(response.headers.has("x-dit-code"), false);
    await response.body?.cancel();
  }
  const duration = "<10ms";
  assertEquals(lines.map((line) => ({ ...line, duration })), [
    { route: "logs", status: 200, duration },
    { route: "keys", status: 401, code: "key_unknown", duration },
    { route: "schema", status: 500, code: "internal", duration },
    { route: "unknown", status: 200, duration },
    { route: "logs", status: 400, code: "query_refused", duration },
  ]);
  assert(lines.every((line) => ["<10ms", "<100ms", "<1s", ">=1s"].includes(line.duration)));
});

Deno.test("deidentify() never rejects: the runtime would write the URL down", async () => {
  const { handle, lines } = makeEdge({ handle: () => Promise.reject(new Error("who")) });
  const base = new Request("https://x.example/");
  // What Deno.serve hands over when the Host header is none: a request whose URL does not parse.
  const urls = ["http://[::/v1/apps/demo/logs", "http://a b/", "http://", "who"];
  for (const url of urls) {
    const request = new Proxy(base, {
      get: (target, name) => name === "url" ? url : Reflect.get(target, name, target),
    });
    const response = await handle(request, undefined);
    assertEquals([response.status, (await response.json()).code], [400, "target_malformed"]);
  }
  const thrown = await handle(new Request(`https://x.example${LOGS}`), undefined);
  assertEquals(thrown.status, 500);
  assert(!(await thrown.text()).includes("who"));
  assertEquals(lines.length, urls.length + 1);
});

Deno.test("deidentify() lets a page of another origin read its own refusals", async () => {
  const { handle } = makeEdge({ admission: new Admission(random, { burst: 0 }) });
  const response = await handle(new Request(`https://x.example${LOGS}`, { method: "POST" }), "192.0.2.1");
  await response.body?.cancel();
  assertEquals(response.status, 429);
  assertEquals(response.headers.get("access-control-allow-origin"), "*");
  assertEquals(response.headers.get("access-control-expose-headers"), "Retry-After");
  assertEquals(response.headers.get("retry-after"), "1");
});
