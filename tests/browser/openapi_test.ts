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
    await page.locator(".opblock").first().waitFor();
    const shown = (await page.locator(".opblock-summary-control").allInnerTexts())
      .map((text) => text.replaceAll("\u200b", "").replace(/\s+/g, " ").trim());
    let operations = 0;
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { summary }] of Object.entries(methods)) {
        assert(shown.includes(`${method.toUpperCase()} ${path} ${summary}`), `${method} ${path}`);
        operations++;
      }
    }
    assertEquals(shown.length, operations);
    await page.locator(".opblock-summary-control", { hasText: "Send an anonymous log" }).click();
    await page.getByText("Verifies the MAC").waitFor();
    await page.getByText("[1, 100] items").waitFor();
    assertEquals(await page.getByText(/^(?:Try it out|Authorize|Execute)$/).count(), 0);
    assertEquals(
      [...requested].filter((url) => !url.startsWith(`${service.url}/openapi`) && url !== "data:,"),
      [],
    );
    assertEquals(faults, []);
  });
});
