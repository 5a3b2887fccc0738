import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { adminGuard } from "../../edge/admin_guard.ts";
import { tokenDigest } from "../../edge/bearer.ts";
import { problemResponse } from "../../edge/problem.ts";

const app = new Hono();
app.use("/admin/*", adminGuard(tokenDigest("right-token")));
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
