import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pathFor } from "../../routes/console/frame/page.ts";
import { PAGES } from "../../routes/console/pages.ts";
import { browserTest } from "../support/browser/chromium.ts";
import { signInWith, withDemoConsole } from "../support/browser/demo_console.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const PATHS = [
  ...PAGES.map(({ path }) => pathFor(path, "demo")),
  "/console/apps/demo/keys/rotate",
  "/openapi",
];

browserTest(
  "a demo's traffic arrives live, with how many logs were refused and why",
  async ({ page, faults }) => {
    await withDemoConsole(async ({ link, demo, service }) => {
      await signInWith(page, link);
      assert(!page.url().includes("token"), "the token is gone from the address");
      await page.getByText("Nothing was refused in the last 24 hours.").waitFor();
      await page.locator("#live-state", { hasText: "Live" }).waitFor();
      const printed = await demo("--clients=80"); // so many that more than a few are refused
      const refused = Number(/key_unknown +([0-9]+)/.exec(printed)?.[1]) * 3; // three of a stranger's attempts are logs
      const accepted = Number(/send a log +([0-9]+)/.exec(printed)?.[1]) -
        Number(/replays recognised +([0-9]+)/.exec(printed)?.[1]);
      assert(refused > 0 && accepted > 0, printed);
      // Nobody loads the page again.
      await page.getByText(`${refused} logs were refused in the last 24 hours.`).waitFor();
      const tiles = page.locator("#overview-tiles");
      await tiles.locator(".tile", { hasText: "Logs accepted" }).getByText(String(accepted), { exact: true })
        .waitFor();
      const reasons = await page.locator("#overview-refusals tbody tr").allInnerTexts();
      for (const reason of ["Forged or altered log", "Unknown key", "No token", "Not signed in"]) {
        assert(reasons.some((row) => row.includes(reason)), `${reason} is not in ${reasons}`);
      }
      // The plot draws something, in both colours.
      const drawn = () =>
        page.locator("[data-figure=figure-minutes] canvas").evaluate((element) => {
          const canvas = element as unknown as {
            width: number;
            height: number;
            getContext(kind: "2d"): { getImageData(...box: number[]): { data: Uint8ClampedArray } };
          };
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let blue = 0;
          let red = 0;
          for (let at = 0; at < data.length; at += 4) {
            const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
            if (b > 150 && r < 100) blue++;
            if (r > 150 && g < 80 && b < 80) red++;
          }
          return { blue, red };
        });
      await until(async () => {
        const { blue, red } = await drawn();
        return blue > 50 && red > 20;
      });
      assertEquals(faults, []);
      assertEquals((await service.end("SIGTERM")).code, 0, "a live view holds no process up");
    });
  },
);

browserTest(
  "a key is rotated with the keyboard alone, and the audit log has it",
  async ({ page, faults }) => {
    await withDemoConsole(async ({ link }) => {
      await signInWith(page, link);
      await page.keyboard.press("Tab");
      assertEquals(await page.locator(":focus").innerText(), "Skip to the content");
      await page.keyboard.press("Enter");
      await page.locator("main:focus").waitFor();
      await page.goto(new URL("/console/apps/demo/keys", page.url()).href);
      const tabTo = async (text: string) => {
        for (let press = 0; press < 40; press++) {
          await page.keyboard.press("Tab");
          if ((await page.locator(":focus").innerText().catch(() => "")).trim() === text) return;
        }
        throw new Error(`"${text}" cannot be reached with the keyboard`);
      };
      await tabTo("Rotate now");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Rotate the key of demo?" }).waitFor();
      await page.getByLabel("Reason").focus();
      await page.keyboard.type("A drill <b>with</b> HTML");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Keys of demo" }).waitFor();
      const states = await page.locator("tbody tr").allInnerTexts();
      assert(states.some((row) => /\.1\s+issuing/.test(row)), states.join("\n"));
      assert(states.some((row) => /\.0\s+redeeming/.test(row)), states.join("\n"));
      await page.getByRole("link", { name: "Audit log" }).click();
      await page.getByText("A drill <b>with</b> HTML").waitFor();
      await page.getByText("The audit log is as it was written").waitFor();
      assertEquals(faults, []);
    });
  },
);

browserTest("every page can be read without JavaScript", async ({ page }) => {
  await withDemoConsole(async ({ link, token, demo, service }) => {
    await demo("--clients=20");
    await page.goto(link);
    await page.getByLabel("Operator's token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    assertStringIncludes(await page.locator("main").innerText(), "logs were refused in the last 24 hours.");
    await page.getByText("The figures as a table").first().click();
    const rows = page.locator("#overview-tables tbody tr");
    assert(await rows.count() > 0 && await rows.first().isVisible());
    for (const path of PATHS) {
      await page.goto(service.url + path);
      assert((await page.locator("main").innerText()).length > 100, path);
    }
    await page.goBack();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "DIT console" }).waitFor();
  });
}, { javaScriptEnabled: false });
