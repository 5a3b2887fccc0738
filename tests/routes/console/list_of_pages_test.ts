import { assert, assertEquals } from "@std/assert";
import { pathFor } from "../../../routes/console/frame/page.ts";
import { PAGES } from "../../../routes/console/pages.ts";
import { ConsoleBrowser, OPERATED } from "../../support/browser/console_browser.ts";
import { withService } from "../../support/service/service.ts";

Deno.test("every page of the list stands in the navigation, and marks its own entry there", async () => {
  assertEquals(new Set(PAGES.map(({ name }) => name)).size, PAGES.length);
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    for (const page of PAGES) {
      const html = await browser.page(pathFor(page.path, "notes"));
      const [, navigation] = /<nav aria-label="Pages">([\s\S]*?)<\/nav>/.exec(html) ?? [];
      const entries = [
        ...navigation?.matchAll(/<a href="([^"]+)"( aria-current="page")? ?>([^<]+)<\/a>/g) ?? [],
      ]
        .map(([, href, current, title]) => [href, title, current !== undefined]);
      assertEquals(entries, [
        ...PAGES.map((other) => [pathFor(other.path, "notes"), other.title, other === page]),
        ["/openapi", "API", false],
      ]);
    }
  });
});

Deno.test("every live view replaces elements that its page has, and names itself there", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    for (const { path, parts } of PAGES) {
      const html = await browser.page(pathFor(path, "notes"));
      const live = /<body data-live="([^"]+)"/.exec(html)?.[1];
      assertEquals(live, parts === undefined ? undefined : pathFor(parts.path, "notes"), path);
      if (live === undefined) continue;
      const reader = (await browser.get(live)).body!.pipeThrough(new TextDecoderStream()).getReader();
      const { value = "" } = await reader.read();
      await reader.cancel();
      const sent = JSON.parse(/^data: (.*)$/m.exec(value)?.[1] ?? "{}");
      assert(Object.keys(sent.parts).length > 0, path);
      for (const id of [...Object.keys(sent.parts), ...Object.keys(sent.figures)]) {
        // Of the applications there is a table only where there are several.
        assert(id === "overview-apps" || html.includes(`id="${id}"`), `${path} has no ${id}`);
      }
    }
  });
});
