/** What an analyst sees: releases and schemas, and no exact figure anywhere. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pathFor } from "../../../routes/console/frame/page.ts";
import { PAGES } from "../../../routes/console/pages.ts";
import {
  ANALYST_TOKEN,
  ConsoleBrowser,
  OPERATED,
  READER_TOKEN,
} from "../../support/browser/console_browser.ts";
import { withService } from "../../support/service/service.ts";

Deno.test("an analyst sees the pages of releases and schemas, and is led to the first of them", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn(ANALYST_TOKEN);
    const start = await browser.get("/console");
    assertEquals([start.status, start.headers.get("location")], [303, "/console/apps/notes/releases"]);
    const html = await browser.page("/console/apps/notes/releases");
    const [, navigation = ""] = /<nav aria-label="Pages">([\s\S]*?)<\/nav>/.exec(html) ?? [];
    assertEquals([...navigation.matchAll(/href="([^"]+)"/g)].map(([, href]) => href), [
      "/console/apps/notes/releases",
      "/console/apps/notes/schema",
      "/openapi",
    ]);
    await browser.page("/console/apps/notes/releases.csv");
    await browser.page("/console/apps/notes/schema");
    for (const { path, parts, forAnalysts } of PAGES) {
      const asked = [...(forAnalysts ? [] : [path]), ...(parts === undefined ? [] : [parts.path])]
        .map((one) => pathFor(one, "notes")).filter((one) => one !== "/console");
      for (const own of [...asked, ...asked.map((one) => `${one}/x`)]) {
        const response = await browser.get(own);
        assertEquals([response.status, own], [403, own]);
        assertStringIncludes(await response.text(), "This role sees releases and schemas, and nothing else.");
      }
    }
    assertEquals((await browser.get("/console/apps/notes/keys/rotate")).status, 403);
    assertEquals((await browser.get("/console/apps/notes/releasesx")).status, 403);
    assertEquals((await browser.get("/console/trail/before/5")).status, 403);
  });
});

Deno.test("an analyst's token reads releases at the API, and neither risk nor counters nor the audit log", async () => {
  await withService(OPERATED, async (test) => {
    const ask = async (path: string, token: string) => {
      const response = await test.send(path, { headers: { authorization: `Bearer ${token}` } });
      await response.body?.cancel();
      return response.status;
    };
    const open = ["/admin/v1/apps/notes/releases", "/admin/v1/apps/notes/releases.csv"];
    const closed = [
      "/admin/v1/apps/notes/risk",
      "/admin/v1/joins",
      "/admin/v1/keys",
      "/admin/v1/trail",
      "/metrics",
    ];
    for (const path of open) assertEquals([await ask(path, ANALYST_TOKEN), path], [200, path]);
    for (const path of closed) {
      assertEquals([await ask(path, ANALYST_TOKEN), await ask(path, READER_TOKEN), path], [403, 200, path]);
    }
  });
});

Deno.test("no count of the overview tells a few from one more, in its text, its tables and its plots", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn(READER_TOKEN);
    const refuse = async () => {
      const headers = { "content-type": "application/private-token-amortized-batch-request" };
      assertEquals((await test.send("/v1/apps/notes/tokens", { method: "POST", headers })).status, 401);
      assertEquals((await test.send("/v1/apps/notes/logs", { method: "POST" })).status, 415);
    };
    // Forms are filled in for each page, and an answer's time is what it is.
    const shown = async () =>
      (await browser.page("/console")).replaceAll(/<input type="hidden"[^>]*>/g, "")
        .replace(/<h2>How fast logs are answered<\/h2>[\s\S]*?<\/section>/, "");
    assert((await shown()).includes("No log has arrived"));
    await refuse();
    const one = await shown();
    assertStringIncludes(one, "&lt; 10");
    for (let times = 0; times < 7; times++) await refuse();
    assertEquals(await shown(), one, "eight look like one");
    for (let times = 0; times < 4; times++) await refuse();
    assertStringIncludes(await shown(), "12</b> logs were refused");
  });
});
