import { assertEquals, assertStringIncludes } from "@std/assert";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { ConsoleSessions } from "../../../edge/auth/console_sessions.ts";
import { entriesOfTokens } from "../../../edge/auth/operator.ts";
import { CODE_HEADER } from "../../../edge/http/headers.ts";
import { createApp } from "../../../routes/app.ts";
import { ADMIN_TOKEN, ConsoleBrowser } from "../../support/browser/console_browser.ts";
import { testApplication } from "../../support/service/service.ts";
import { startSplit } from "../../support/service/split.ts";

Deno.test("the console of an ACS alone has neither stops to lift nor releases to download", async () => {
  await using split = await startSplit({ events: testApplication.events });
  const { acs } = split;
  const operatorTokens = { admin: tokenDigest(ADMIN_TOKEN) };
  const app = createApp({
    version: "0.0.0",
    service: acs,
    role: "acs",
    operatorTokens,
    console: {
      sessions: new ConsoleSessions({
        ...acs,
        key: new Uint8Array(32),
        entries: entriesOfTokens(operatorTokens),
      }),
      secure: true,
      stopped: new AbortController().signal,
    },
  });
  const handle = async (request: Request) => await app.fetch(request);
  const browser = await new ConsoleBrowser({ handle }).signIn();
  const fields = { "form-token": await browser.formToken(), reason: "drill" };
  const lift = "/console/apps/notes/privacy/lift";
  for (
    const answer of [
      await browser.post(`${lift}/app_opened`, fields),
      await browser.post(`${lift}/note_saved/ok`, fields),
      await browser.post(`${lift}/none`, fields),
      await browser.get("/console/apps/notes/releases.csv"),
    ]
  ) {
    assertEquals([answer.status, answer.headers.get(CODE_HEADER)], [404, "route_unknown"]);
    await answer.body?.cancel();
  }
  assertStringIncludes(await browser.page("/console/apps/notes/releases"), "Releases");
});
