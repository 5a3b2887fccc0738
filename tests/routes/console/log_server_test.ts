import { assertEquals, assertStringIncludes } from "@std/assert";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { ConsoleSessions } from "../../../edge/auth/console_sessions.ts";
import { entriesOfTokens } from "../../../edge/auth/operator.ts";
import { createApp } from "../../../routes/app.ts";
import { ADMIN_TOKEN, ConsoleBrowser } from "../../support/browser/console_browser.ts";
import { startSplit } from "../../support/service/split.ts";

Deno.test("the console of a log server shows no keys, and has no way to those of its ACS", async () => {
  await using split = await startSplit();
  const { logs } = split;
  const operatorTokens = { admin: tokenDigest(ADMIN_TOKEN) };
  const app = createApp({
    version: "0.0.0",
    service: logs,
    role: "logs",
    operatorTokens,
    console: {
      sessions: new ConsoleSessions({
        ...logs,
        key: new Uint8Array(32),
        entries: entriesOfTokens(operatorTokens),
      }),
      secure: true,
      stopped: new AbortController().signal,
    },
  });
  const handle = async (request: Request) => await app.fetch(request);
  const browser = await new ConsoleBrowser({ handle }).signIn();
  assertStringIncludes(await browser.page("/console/apps/notes/keys"), "This server holds no keys");
  for (const path of ["rotate", "revoke/1/0"].map((action) => `/console/apps/notes/keys/${action}`)) {
    const fields = { "form-token": await browser.formToken(), reason: "drill" };
    const response = await browser.post(path, fields);
    assertEquals(response.status, 404, path);
    await response.body?.cancel();
  }
  const actions = (await logs.auditLog.latest(10)).filter((entry) => "action" in entry);
  assertEquals(actions.map(({ action }) => action), ["sign in"]);
});
