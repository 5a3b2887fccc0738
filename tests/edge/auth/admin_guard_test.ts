import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Refusal } from "../../../core/base/errors.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { AuditLog } from "../../../core/operations/audit_log.ts";
import { adminGuard, recordActions } from "../../../edge/auth/admin_guard.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import type { Operator, OperatorEnv } from "../../../edge/auth/operator.ts";
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

const ADMIN: Operator = { name: "alice@example.com", role: "admin", via: "console" };
const READER: Operator = { ...ADMIN, name: "bob@example.com", role: "reader" };

type Call = (method: string, path: string, by: Operator | string, sent?: string) => Promise<Response>;

/** An app with actions; `by` is an operator whom the console has signed in, or a token. */
async function withActions(
  body: (call: Call, auditLog: AuditLog, kv: Deno.Kv) => Promise<void>,
): Promise<void> {
  using kv = await Deno.openKv(":memory:");
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const auditLog = new AuditLog(storeOver(kv), { random, now: () => 0 });
  const app = new Hono<OperatorEnv>();
  app.use("/admin/*", adminGuard({ admin: tokenDigest("right-token"), reader: tokenDigest("other-token") }));
  app.use("/admin/*", recordActions(auditLog));
  app.get("/admin/v1/trail", (c) => c.text("looked"));
  app.get("/admin/v1/apps/:app/logs/:day", (c) => c.text("records"));
  app.post("/admin/v1/act", async (c) => c.text(`acted with ${await c.req.text()}`));
  app.post("/admin/v1/refuse", () => {
    throw new Refusal("epoch_unknown", "There is no such epoch.");
  });
  app.onError((error) => problemResponse(error));
  const call: Call = async (method, path, by, sent) => {
    const init = {
      method,
      ...(sent === undefined ? {} : { body: sent }),
      headers: typeof by === "string" ? { authorization: `Bearer ${by}` } : {},
    };
    return await app.request(path, init, typeof by === "string" ? {} : { operator: by });
  };
  await body(call, auditLog, kv);
}

Deno.test("adminGuard() lets a reader look and do nothing", async () => {
  await withActions(async (call, auditLog) => {
    for (const by of [READER, "other-token"]) {
      assertEquals((await call("GET", "/admin/v1/trail", by)).status, 200);
      for (
        const [method, path] of [
          ["POST", "/admin/v1/act"],
          ["DELETE", "/admin/v1/act"],
          ["GET", "/admin/v1/apps/demo/logs/2027-01-01"],
        ] as const
      ) {
        const response = await call(method, path, by);
        assertEquals([response.status, (await response.json()).code], [403, "role_insufficient"]);
      }
    }
    assertEquals(await auditLog.latest(10), []);
  });
});

Deno.test("recordActions() writes an action down before it is done, and what came of it", async () => {
  await withActions(async (call, auditLog) => {
    await call("GET", "/admin/v1/trail", ADMIN);
    const acted = await call("POST", "/admin/v1/act", ADMIN, '{"reason":"drill"}');
    assertEquals(await acted.text(), 'acted with {"reason":"drill"}');
    assertEquals((await call("POST", "/admin/v1/refuse", "right-token")).status, 404);
    assertEquals((await call("GET", "/admin/v1/apps/demo/logs/2027-01-01", ADMIN)).status, 200);
    const entries = (await auditLog.latest(10)).reverse();
    const content = entries.map(({ number: _n, atSeconds: _a, previous: _p, digest: _d, ...rest }) => rest);
    assertEquals(content, [
      {
        operator: "alice@example.com",
        via: "console",
        action: "POST /admin/v1/act",
        details: '{"reason":"drill"}',
      },
      { of: 1, outcome: "done" },
      { operator: "admin token", via: "api", action: "POST /admin/v1/refuse" },
      { of: 3, outcome: "epoch_unknown" },
      { operator: "alice@example.com", via: "console", action: "GET /admin/v1/apps/demo/logs/2027-01-01" },
      { of: 5, outcome: "done" },
    ]);
  });
});

Deno.test("recordActions() refuses an action that it cannot write down, or that is too long for it", async () => {
  await withActions(async (call, _trail, kv) => {
    const long = await call("POST", "/admin/v1/act", ADMIN, "x".repeat(5_000));
    assertEquals((await long.json()).code, "body_too_large");
    kv.close();
    const response = await call("POST", "/admin/v1/act", ADMIN);
    assertEquals([response.status, (await response.json()).code], [503, "store_unavailable"]);
  });
});
