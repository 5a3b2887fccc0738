import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../core/base/errors.ts";
import { kindOf, strip, stripAnswer } from "../../edge/strip.ts";

const LOGS = new URL("https://who.example/v1/apps/demo/logs");

Deno.test("kindOf() knows every path by its kind, and lets nothing of any other pass", () => {
  const kinds = {
    "/v1/apps/demo/logs": "logs",
    "/v1/apps/demo/tokens": "tokens",
    "/v1/apps/demo/keys": "keys",
    "/v1/apps/demo/schema": "schema",
    "/acs/v1/apps/demo/evaluate": "acs",
    "/acs/v1/apps/demo/redeem": "acs",
    "/acs/v1/apps/demo/redeemed": "acs",
    "/admin/v1/stores": "admin",
    "/admin/v1/keys": "admin",
    "/admin/anything": "admin",
    "/admin/": "admin",
    "/admin": "admin",
    "/console": "console",
    "/console/": "console",
    "/console/keys": "console",
    "/console/sign-in/callback": "console",
    "/metrics": "metrics",
    "/healthz": "health",
    "/readyz": "health",
    "/openapi": "openapi",
    "/openapi.json": "openapi",
    "/dev/session": "dev",
    "/examples/browser/": "dev",
  };
  for (const [path, name] of Object.entries(kinds)) assertEquals(kindOf(path).name, name, path);
  for (
    const path of [
      "",
      "/",
      "/v1/apps/demo/logs/",
      "/v1/apps//logs",
      "/v1/apps/a/b/logs",
      "/x/v1/apps/demo/logs",
      "/consoles",
      "/admins",
      "/metrics/",
      "/openapi.yaml",
    ]
  ) {
    assertEquals([kindOf(path).name, kindOf(path).headers], ["unknown", []], path);
  }
});

Deno.test("kindOf() lets a query pass where the identity provider sends one, and nowhere else", () => {
  assertEquals(kindOf("/console/sign-in/callback").query, true);
  for (const path of ["/console/sign-in/callbacks", "/console", "/v1/apps/demo/logs", "/metrics"]) {
    assertEquals(kindOf(path).query, false, path);
  }
});

Deno.test("strip() gives a request of its own, with what the hop was found to be and not with its secret", () => {
  const kind = kindOf(LOGS.pathname);
  const request = new Request(LOGS, { headers: { "dit-hop": "a secret", cookie: "who=1" } });
  const hops = (["none", "valid", "claimed"] as const).map((hop) => [
    ...strip(request, LOGS, { kind, hop }).headers,
  ]);
  assertEquals(hops, [[], [["dit-hop", "?1"]], [["dit-hop", "?0"]]]);
  assertEquals(strip(request, LOGS, { kind, hop: "none" }).url, "http://dit.internal/v1/apps/demo/logs");
});

Deno.test("strip() takes off what a page's tracing adds, on every route of a client's", () => {
  const tracing = [
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "x-datadog-trace-id",
    "b3",
    "x-b3-traceid",
  ];
  for (const name of ["logs", "tokens", "keys", "schema"]) {
    const url = new URL(`https://who.example/v1/apps/demo/${name}`);
    const headers = Object.fromEntries(
      tracing.map((header) => [header, "00-4bf92f3577b34da6a3ce929d0e0e4736-01"]),
    );
    const stripped = strip(new Request(url, { headers }), url, { kind: kindOf(url.pathname), hop: "none" });
    assertEquals([...stripped.headers].filter(([header]) => header !== "dit-hop"), []);
  }
});

Deno.test("strip() hands on no method that HTTP spells otherwise", () => {
  const kind = kindOf(LOGS.pathname);
  for (const [method, seen] of [["DELETE", "DELETE"], ["PURGE", "UNTAKEN"], ["patch", "UNTAKEN"]] as const) {
    assertEquals(strip(new Request(LOGS, { method }), LOGS, { kind, hop: "none" }).method, seen);
  }
});

Deno.test("strip() refuses a query with a code", () => {
  const url = new URL("?who", LOGS);
  const refused = () => strip(new Request(url), url, { kind: kindOf(url.pathname), hop: "none" });
  assertEquals(assertThrows(refused, Refusal).code, "query_refused");
});

Deno.test("stripAnswer() touches answers of anonymous routes alone", () => {
  const answer = () => new Response(null, { headers: { etag: '"1"', "retry-after": "1" } });
  const logs = stripAnswer(answer(), kindOf(LOGS.pathname));
  assertEquals(Object.fromEntries(logs.headers), { "cache-control": "no-store", "retry-after": "1" });
  assertEquals(stripAnswer(answer(), kindOf("/v1/apps/demo/keys")).headers.get("etag"), '"1"');
});
