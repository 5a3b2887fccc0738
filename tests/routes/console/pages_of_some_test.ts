/** What the console shows to operators of some applications. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pathFor } from "../../../routes/console/frame/page.ts";
import { PAGES } from "../../../routes/console/pages.ts";
import {
  ADMIN_TOKEN,
  ANALYST_TOKEN,
  ConsoleBrowser,
  OPERATED,
  READER_TOKEN,
} from "../../support/browser/console_browser.ts";
import {
  configOf,
  type TestService,
  type TestServiceOptions,
  withService,
} from "../../support/service/service.ts";

const NOTES = new Set(["notes"]);

async function withSome(
  run: (test: TestService) => Promise<void>,
  options: TestServiceOptions = {},
): Promise<void> {
  await withService({
    ...options,
    // The others come first, so that none of theirs is what a page shows by default.
    config: configOf({ archive: {}, notes: {}, vault: {} }),
    operators: { ...OPERATED.operators, tokenScopes: { admin: NOTES, reader: NOTES, analyst: NOTES } },
  }, run);
}

Deno.test("an operator of some applications sees their pages, and nothing that names another", async () => {
  await withSome(async (test) => {
    // Something of the others to be seen.
    await test.send("/v1/apps/vault/logs", { method: "POST" });
    for (const token of [ADMIN_TOKEN, READER_TOKEN]) {
      const browser = await new ConsoleBrowser(test).signIn(token);
      for (const { name, path } of PAGES) {
        const own = await browser.get(pathFor(path, "notes"));
        const html = await own.text();
        assertEquals(own.status, name === "trail" ? 403 : 200, path);
        if (own.status === 200) assertMatch(html, /token:(?:admin|reader)[^<]* for notes</);
        assert(!/vault|archive|\/console\/trail/.test(html), `${path} names an application of others`);
      }
      for (const { path, parts } of PAGES) {
        for (const one of [path, parts?.path ?? path].filter((one) => one.includes(":app"))) {
          const other = await browser.get(pathFor(one, "vault"));
          const none = await browser.get(pathFor(one, "none"));
          assertEquals([other.status, none.status, one], [404, 404, one]);
          assertEquals(await other.text(), await none.text());
        }
      }
      const live = await browser.get("/console/live");
      const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
      assert(!/vault|archive/.test((await reader.read()).value ?? ""));
      await reader.cancel();
    }
  });
});

Deno.test("an admin of some applications acts on them alone, and never on the whole service", async () => {
  await withSome(async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const fields = { "form-token": await browser.formToken(), reason: "drill" };
    const send = async (path: string) => {
      const response = await browser.post(path, fields);
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await send("/console/apps/notes/keys/rotate"), 303);
    assertEquals(await send("/console/apps/vault/keys/rotate"), 404);
    assertEquals(await send("/console/apps/vault/keys/replace"), 404);
    assertEquals(await send("/console/apps/vault/privacy/lift/app_opened"), 404);
    assertEquals(await send("/console/apps/notes/keys/confirm-time"), 403);
    assertEquals((await browser.get("/console/apps/notes/keys/confirm-time")).status, 403);
    // Made-up paths have one name, whatever they say.
    for (let number = 0; number < 30; number++) {
      await (await browser.get(`/console/made-up-${number}`)).body?.cancel();
      await (await browser.get(`/console/apps/made-up-${number}/keys`)).body?.cancel();
    }
    const entries = await test.service.auditLog.latest(20);
    assertEquals(
      entries.flatMap((entry) => "action" in entry && entry.refused !== undefined ? [entry.action] : []),
      [
        "GET /console/apps/:app/keys",
        "GET a page that there is not",
        "GET /console/apps/notes/keys/confirm-time",
        "POST /console/apps/notes/keys/confirm-time",
        "POST /console/apps/vault/privacy/lift/:event/:field?",
        "POST /console/apps/vault/keys/replace",
        "POST /console/apps/vault/keys/rotate",
      ],
    );
  });
});

Deno.test("an analyst of some applications is led to the first of them", async () => {
  await withSome(async (test) => {
    const browser = await new ConsoleBrowser(test).signIn(ANALYST_TOKEN);
    const start = await browser.get("/console");
    assertEquals([start.status, start.headers.get("location")], [303, "/console/apps/notes/releases"]);
    const html = await browser.page("/console/apps/notes/releases");
    assertStringIncludes(html, "sees releases and schemas");
    assert(!/vault|archive/.test(html));
    assertEquals((await browser.get("/console/apps/vault/releases.csv")).status, 404);
    assertEquals((await browser.get("/console/apps/notes/keys")).status, 403);
    assertEquals((await browser.get("/console/apps/vault/keys")).status, 404);
  });
});

Deno.test("an admin of some applications hears that the clock is not confirmed, and is not asked to confirm it", async () => {
  const steady = () => 0;
  const said = "clock is ahead of what was confirmed";
  const path = "/console/apps/notes/keys";
  await withSome(async (test) => {
    test.clock.seconds += 86_400;
    await test.service.time.refresh();
    const html = await (await new ConsoleBrowser(test).signIn()).page(path);
    assert(html.includes(said) && !html.includes("confirm-time"));
  }, { steady });
  await withService({ ...OPERATED, steady }, async (test) => {
    test.clock.seconds += 86_400;
    await test.service.time.refresh();
    const html = await (await new ConsoleBrowser(test).signIn()).page(path);
    assert(html.includes(said) && html.includes("confirm-time"));
  });
});
