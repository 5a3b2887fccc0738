import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { assertAccessible, type Browser, browserTest } from "../support/browser/chromium.ts";
import { signInWith, withDemoConsole } from "../support/browser/demo_console.ts";
import { withServedConsole } from "../support/browser/served_console.ts";

const SCREENSHOTS = new URL("../../screenshots/", import.meta.url).pathname;
const SCHEMES = ["light", "dark"] as const;

interface Looking {
  /** Whether what is folded up is opened. */
  readonly opened?: boolean;
}

/** Looks at a page on a phone and on a desk, in light and dark; leaves pictures for a person to look at. */
async function lookAt(page: Page, name: string, url: string, looking: Looking = {}): Promise<void> {
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
    await page.goto(url);
    if (looking.opened === true) {
      await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
    }
    for (const colorScheme of SCHEMES) {
      const what = `${name} ${width} ${colorScheme}`;
      await page.emulateMedia({ colorScheme });
      // Plots are drawn once more in the other colours.
      await page.waitForTimeout(100);
      const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      assert(overflow <= 0, `${what} is ${overflow} px too wide`);
      // The other colours change nothing but contrast, and that on a phone as on a desk.
      if (colorScheme === "light") await assertAccessible(page, what);
      else if (width > 390) await assertAccessible(page, what, ["color-contrast"]);
      await page.screenshot({ path: `${SCREENSHOTS}${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
}

function assertAskedOnly(url: string, { requested, faults }: Browser): void {
  const elsewhere = [...requested].filter((asked) =>
    !asked.startsWith(`${url}/`) && !asked.startsWith("data:")
  );
  assertEquals(elsewhere, []);
  assertEquals(faults, []);
}

browserTest(
  "every page is accessible, at home on phones and in the dark, and asks nobody else for anything",
  async (browser) => {
    const { page } = browser;
    await Deno.mkdir(SCREENSHOTS, { recursive: true });
    await withDemoConsole(async ({ link, demo, service }) => {
      await demo("--clients=40");
      await lookAt(page, "sign-in", `${service.url}/console/sign-in`);
      await lookAt(page, "api", `${service.url}/openapi`);
      await signInWith(page, link);
      await lookAt(page, "overview", `${service.url}/console`);
      const demoPages = `${service.url}/console/apps/demo`;
      await lookAt(page, "rotate", `${demoPages}/keys/rotate`);
      await lookAt(page, "schema", `${demoPages}/schema`);
      await lookAt(page, "trail", `${service.url}/console/trail`);
      assertAskedOnly(service.url, browser);
    });
  },
);

browserTest("the same holds of pages that show many days: keys, privacy and releases", async (browser) => {
  const { page } = browser;
  await Deno.mkdir(SCREENSHOTS, { recursive: true });
  await withServedConsole(10, async ({ url, link }) => {
    await signInWith(page, link);
    const pages = `${url}/console/apps/notes`;
    await lookAt(page, "keys", `${pages}/keys`);
    await lookAt(page, "privacy", `${pages}/privacy`, { opened: true });
    await lookAt(page, "lift", `${pages}/privacy/lift/slider_moved/level`);
    await lookAt(page, "releases", `${pages}/releases`);
    assertAskedOnly(url, browser);
  });
});
