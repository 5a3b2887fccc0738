import { assert, assertEquals } from "@std/assert";
import { browserTest } from "../support/browser/chromium.ts";
import { withDemoConsole } from "../support/browser/demo_console.ts";

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly summary: string }>>>>;
}

browserTest("the API page shows every operation under its policy, and sends nothing", async (browser) => {
  const { page, requested, faults } = browser;
  await withDemoConsole(async ({ service }) => {
    const { paths }: Document = await (await fetch(`${service.url}/openapi.json`)).json();
    await page.goto(`${service.url}/openapi`);
    const shown = (await page.locator("summary").allInnerTexts())
      .map((text) => text.replace(/\s+/g, " ").trim());
    let operations = 0;
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { summary }] of Object.entries(methods)) {
        assert(shown.includes(`${method.toUpperCase()} ${path} ${summary}`), `${method} ${path}`);
        operations++;
      }
    }
    assertEquals(shown.length, operations);
    const log = page.locator("details", { hasText: "Send an anonymous log" }).first();
    assertEquals(await log.getByText("Verifies the MAC").isVisible(), false);
    await log.locator("summary").click();
    await log.getByText("Verifies the MAC").waitFor();
    await log.getByText('"maxItems": 100').first().waitFor();
    assertEquals(await page.locator("script, form, button, input").count(), 0);
    assertEquals(
      [...requested].filter((url) => !url.startsWith(`${service.url}/openapi`) && url !== "data:,"),
      [],
    );
    assertEquals(faults, []);
  });
});
