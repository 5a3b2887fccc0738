import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import type { AlertRow } from "../../../core/privacy/risk/alerts.ts";
import { alertWebhook, WebhookSetupError } from "../../../edge/remote/webhook.ts";

const SECRET = "a secret of at least thirty-two characters";
const ALERT: AlertRow = {
  id: "a",
  kind: "lifted",
  app: "app",
  event: "volume_changed",
  fields: ["volume"],
  at: 1_800_000_000,
  reason: "reviewed",
  delivery: { state: "pending", tries: 1, dueAt: 1_800_000_030 },
};

/** Runs a test against a receiver that answers as the test says. */
async function withReceiver(
  answer: (request: Request) => Response | Promise<Response>,
  run: (send: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
  try {
    const send = alertWebhook({
      url: `http://127.0.0.1:${server.addr.port}/hook`,
      secretEnv: "HOOK_SECRET",
      secret: () => SECRET,
      fetch,
      now: () => 1_800_000_001,
    });
    await run(() => send(ALERT));
  } finally {
    await server.shutdown();
  }
}

Deno.test("alertWebhook() sends what Slack takes, signed so that the receiver knows who calls and when", async () => {
  let seen: { headers: Headers; body: string } | undefined;
  await withReceiver(async (request) => {
    seen = { headers: request.headers, body: await request.text() };
    return new Response("ok");
  }, async (send) => {
    assertEquals(await send(), true);
    assertEquals(JSON.parse(seen!.body), {
      text: "app: the stop of volume_changed (volume) was lifted: reviewed",
    });
    assertEquals(seen!.headers.get("content-type"), "application/json");
    const signed = createHmac("sha256", SECRET).update(`1800000001.${seen!.body}`).digest("hex");
    assertEquals(seen!.headers.get("dit-signature"), `t=1800000001,v1=${signed}`);
  });
});

Deno.test("alertWebhook() takes every answer but a success, a redirect included, for a failure", async () => {
  for (const status of [302, 400, 404, 429, 500, 503]) {
    const headers: Record<string, string> = status === 302 ? { location: "https://elsewhere.example/" } : {};
    await withReceiver(() => new Response(null, { status, headers }), async (send) => {
      assertEquals(await send(), false, `${status}`);
    });
  }
});

Deno.test("alertWebhook() fails without a stack where nobody listens", async () => {
  const send = alertWebhook({
    url: "http://127.0.0.1:1/hook",
    secretEnv: "HOOK_SECRET",
    secret: () => SECRET,
    fetch,
    now: () => 0,
  });
  assertEquals(await send(ALERT), false);
});

Deno.test("alertWebhook() refuses to start without a good secret, and names the variable only", () => {
  for (const secret of [undefined, "", "short-secret", "base64:c2hvcnQ=", `base64:${"A".repeat(43)}`]) {
    const error = assertThrows(
      () =>
        alertWebhook({
          url: "https://x.example",
          secretEnv: "HOOK_SECRET",
          secret: () => secret,
          fetch,
          now: Date.now,
        }),
      WebhookSetupError,
      "HOOK_SECRET",
    );
    assert(!secret || !error.message.includes(secret));
  }
});
