import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { adminGuard } from "../../../edge/auth/admin_guard.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import type { OperatorEnv } from "../../../edge/auth/operator.ts";
import { OPERATIONS } from "../../../edge/operations/index.ts";
import { problemResponse } from "../../../edge/http/problem.ts";

const app = new Hono<OperatorEnv>();
app.use("/admin/*", adminGuard({ admin: tokenDigest("right-token") }));
app.get("/admin/x", (c) => c.text("in"));
app.onError((error) => problemResponse(error));

function call(authorization?: string) {
  return app.request("/admin/x", authorization === undefined ? {} : { headers: { authorization } });
}

Deno.test("adminGuard() lets nobody in without the token", async () => {
  for (
    const authorization of [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      "Bearer wrong-token",
      "Bearer right-token extra",
      "Basic right-token",
      `Bearer ${tokenDigest("right-token").toHex()}`,
      `Bearer ${"x".repeat(600)}`,
    ]
  ) {
    const response = await call(authorization);
    assertEquals(response.status, 401);
    assertEquals(response.headers.get("www-authenticate"), "Bearer");
    assertEquals((await response.json()).code, "admin_token_invalid");
  }
});

Deno.test("adminGuard() lets the token in, and what it answers is not stored", async () => {
  const response = await call("bearer right-token");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(await response.text(), "in");
});

/** An app that tells who its guard let in. */
const operated = new Hono<OperatorEnv>();
operated.use(
  "/admin/*",
  adminGuard({
    admin: tokenDigest("right-token"),
    reader: tokenDigest("other-token"),
    analyst: tokenDigest("third-token"),
  }),
);
operated.all("/admin/*", (c) => c.json(c.get("operator")));
operated.onError((error) => problemResponse(error));

const ACTIONS = [
  ["POST", "/admin/v1/act"],
  ["DELETE", "/admin/v1/act"],
  ["GET", "/admin/v1/apps/demo/logs/2027-01-01"],
  ["HEAD", "/admin/v1/apps/demo/logs/2027-01-01"],
] as const;

Deno.test("adminGuard() lets a reader look and do nothing", async () => {
  const headers = { authorization: "Bearer other-token" };
  const looked = await operated.request("/admin/v1/trail", { headers });
  assertEquals(await looked.json(), { name: "token:reader", role: "reader", via: "api" });
  for (const [method, path] of ACTIONS) {
    const response = await operated.request(path, { method, headers });
    const code = method === "HEAD" ? undefined : (await response.json()).code;
    assertEquals([response.status, code], [403, method === "HEAD" ? undefined : "role_insufficient"]);
  }
});

Deno.test("adminGuard() shows an analyst releases, and nothing else that an operation gives", async () => {
  const headers = { authorization: "Bearer third-token" };
  const allowed: string[] = [];
  for (const { method, path, tag } of OPERATIONS) {
    if (tag !== "Operators" || !path.startsWith("/admin/")) continue;
    const asked = path.replaceAll(/:[a-z]+/g, "x");
    const response = await operated.request(asked, { method, headers });
    if (response.status === 200) allowed.push(`${method} ${path}`);
    else assertEquals([response.status, (await response.json()).code], [403, "role_insufficient"], path);
  }
  assertEquals(allowed, [
    "GET /admin/v1/apps/:app/releases",
    "GET /admin/v1/apps/:app/releases.csv",
    "GET /admin/v1/apps/:app/releases/:day",
  ]);
  for (
    const path of ["/admin/v1/nothing", "/admin/v1/apps/x/releases/x/x", "/admin/v1/apps/x/releases.csv/x"]
  ) {
    assertEquals((await operated.request(path, { headers })).status, 403, path);
  }
});

Deno.test("adminGuard() says who acts, and believes no header that names a way", async () => {
  const authorization = "Bearer right-token";
  for (const [method, path] of ACTIONS.filter(([method]) => method !== "HEAD")) {
    for (const said of [{}, { "dit-via": "console" }, { "dit-via": "command" }, { via: "service" }]) {
      const headers = { authorization, ...said as Record<string, string> };
      const response = await operated.request(path, { method, headers });
      assertEquals(await response.json(), { name: "token:admin", role: "admin", via: "api" });
    }
  }
});
