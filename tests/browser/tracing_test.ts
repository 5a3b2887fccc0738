/** A page whose fetch a tracing SDK has patched: nothing breaks, and where it is told so it adds nothing. */
import { assertEquals } from "@std/assert";
import { bundlePage } from "../support/browser/bundled_page.ts";
import { browserTest } from "../support/browser/chromium.ts";
import { startService } from "../support/client/client_service.ts";
import type { Traced } from "../support/browser/traced_page.ts";

const STEPS = ["schema", "keys", "tokens", "logs"];
const SETTINGS: readonly [name: string, setting: Pick<Traced, "isFirst" | "isExcluded">, traced: string[]][] =
  [
    ["is there first adds headers, which the service allows", { isFirst: false, isExcluded: false }, STEPS],
    ["is there first and excludes the endpoint adds none", { isFirst: false, isExcluded: true }, []],
    ["comes after the client adds none", { isFirst: true, isExcluded: false }, []],
  ];

for (const [name, setting, traced] of SETTINGS) {
  browserTest(`OpenTelemetry's tracing of fetch that ${name}, and the log arrives`, async ({ page }) => {
    const test = await startService();
    test.clock.now = Date.now();
    const seen: { step: string; isTraced: boolean }[] = [];
    const listen = { hostname: "localhost", port: 0, onListen: () => {} };
    await using service = Deno.serve(listen, async (request) => {
      const step = request.url.slice(request.url.lastIndexOf("/") + 1);
      if (request.method !== "OPTIONS") seen.push({ step, isTraced: request.headers.has("traceparent") });
      return await test.fetch(request.url, request as RequestInit);
    });
    const code = await bundlePage("traced_page.ts");
    let isPageTraced = false;
    await using app = Deno.serve(listen, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/traced") isPageTraced = request.headers.has("traceparent");
      return pathname === "/page.js"
        ? new Response(code, { headers: { "content-type": "text/javascript" } })
        : new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
    });
    await page.goto(`http://localhost:${app.addr.port}/`);
    await page.addScriptTag({ url: "/page.js", type: "module" });
    await page.waitForFunction("globalThis.logTraced !== undefined");
    const options: Traced = {
      endpoint: `http://localhost:${service.addr.port}`,
      jwt: await test.signIn("alice"),
      ...setting,
    };
    const heard = await page.evaluate(`logTraced(${JSON.stringify(options)})`);
    assertEquals([heard, isPageTraced], [["sent 1"], true]);
    assertEquals(seen.map(({ step }) => step), STEPS);
    assertEquals(seen.filter(({ isTraced }) => isTraced).map(({ step }) => step), traced);
    assertEquals((await test.records()).length, 1);
    await test.close();
  });
}
