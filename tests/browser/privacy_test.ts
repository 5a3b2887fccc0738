import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatDay } from "../../core/base/time.ts";
import { browserTest } from "../support/browser/chromium.ts";
import { signInWith, withDemoConsole } from "../support/browser/demo_console.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { withServedConsole } from "../support/browser/served_console.ts";
import { until } from "../support/store/with_kv_endpoint.ts";
import { plantHtml } from "../support/browser/console_history.ts";

browserTest(
  "the leak scenario raises an alarm before the operator's eyes, and the stop is lifted with a reason",
  async ({ page, faults }) => {
    await withDemoConsole(async ({ link, demo, service }) => {
      const levelOf = async () => {
        const schema = await (await fetch(`${service.url}/v1/apps/demo/schema`)).json();
        return schema.events.find(({ name }: { name: string }) => name === "volume_changed").fields.level;
      };
      await signInWith(page, link);
      await page.getByRole("link", { name: "Privacy" }).click();
      await page.getByText("Nothing is stopped.").waitFor();
      await page.locator("#live-state", { hasText: "Live" }).waitFor();
      const leaking = demo("--scenario=leak");
      // Nobody loads the page again.
      await page.getByText("One collection is stopped").waitFor({ timeout: 120_000 });
      const decision = page.locator("#privacy-decisions tr", { hasText: "volume_changed.level" });
      assertStringIncludes(await decision.innerText(), "field not collected");
      assert(/9[0-9] %|100 %/.test(await decision.innerText()), await decision.innerText());
      await page.locator("#privacy-alerts tr", { hasText: "volume_changed (level) singles people out" })
        .getByText("alarm").waitFor();
      // Clients are told as well: by what the process holds, which follows what the console reads from the store.
      await until(async () => (await levelOf()).suppressed === true);
      const printed = await leaking;
      assertStringIncludes(printed, "0 of their positions were stored; 100 of their events arrived without.");

      await decision.getByRole("link", { name: "Lift" }).click();
      await page.getByRole("heading", { name: "Lift the stop of volume_changed.level?" }).waitFor();
      await page.getByRole("button", { name: "Lift the stop" }).click();
      // The browser lets nobody go on without a reason.
      assert(page.url().endsWith("/privacy/lift/volume_changed/level"));
      await page.getByLabel("Reason").fill("Made-up values <i>of the demo</i>");
      await page.getByRole("button", { name: "Lift the stop" }).click();
      await page.getByText("Nothing is stopped.").waitFor();
      assertStringIncludes(await decision.innerText(), "lifted by a person");
      assertStringIncludes(await decision.innerText(), "Made-up values <i>of the demo</i>");
      await until(async () => (await levelOf()).suppressed === undefined);
      await page.getByRole("link", { name: "Audit log" }).click();
      const entry = page.locator("tr", { hasText: "Lift a stop of demo" });
      assertStringIncludes(await entry.innerText(), "Made-up values <i>of the demo</i>");
      assertStringIncludes(await entry.innerText(), "done");
      assertEquals(faults, []);
    });
  },
);

browserTest("releases are downloaded as the CSV that the admin API gives", async ({ page, faults }) => {
  await inOnePeriod(DAY_SECONDS, () =>
    withDemoConsole(async ({ link, token, demo, service }) => {
      // Enough to be told apart: cells that the data select have to reach some 65 people.
      await demo("--clients=150");
      const operate = (path: string, init: RequestInit = {}) =>
        fetch(`${service.url}/admin/v1/apps/demo/releases${path}`, {
          ...init,
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        });
      const day = formatDay(Math.floor(Date.now() / 1000 / DAY_SECONDS));
      const made = await operate(`/${day}`, { method: "POST", body: JSON.stringify({ early: true }) });
      assertEquals(new Set(Object.values((await made.json()).outcomes)), new Set(["published"]));

      await signInWith(page, link);
      await page.getByRole("link", { name: "Releases" }).click();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Download CSV" }).click(),
      ]);
      assertEquals(download.suggestedFilename(), "releases-demo.csv");
      const csv = await Deno.readTextFile(await download.path());
      assertEquals(csv, await (await operate(".csv")).text());
      // And the file has the very figures that the JSON has, and the page.
      const { releases } = await (await operate("")).json();
      const starts = releases.find(({ query }: { query: string }) => query === "starts_by_runtime");
      assert(starts.figures.length > 0, JSON.stringify(starts));
      for (const { cell, count, lower, upper } of starts.figures) {
        const name = Object.entries(cell).map(([field, value]) => `${field}=${value}`).join(";");
        assertStringIncludes(
          csv,
          `${day},starts_by_runtime,client_start,${name},${count},${lower},${upper},`,
        );
        const row = page.locator(".scroll tr", { hasText: Object.values(cell).join(", ") }).first();
        assertStringIncludes((await row.innerText()).replace(/\s+/g, " "), `${count} ${lower} to ${upper}`);
      }
      assertEquals(faults, []);
    }));
});

browserTest(
  "names and reasons with HTML in them are text in the browser, in tables as in plots and live parts",
  async ({ page, requested, faults }) => {
    const html = `</script><img src=/planted onerror="alert(1)">`;
    await withServedConsole(2, async ({ test, url, link }) => {
      await plantHtml(test, html);
      await signInWith(page, link);
      for (const path of ["privacy", "releases"]) {
        await page.goto(`${url}/console/apps/notes/${path}`);
        await page.getByText(html).first().waitFor();
        if (path === "privacy") await page.locator("#live-state", { hasText: "Live" }).waitFor();
        else await page.locator(".u-legend", { hasText: html }).waitFor();
        assertEquals(await page.locator("img").count(), 0, path);
      }
      assert([...requested].every((asked) => !asked.includes("planted")));
      assertEquals(faults, []);
    });
  },
);
