/** What captures see in a real page, beside an app's own handlers and patches. */
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest } from "../support/browser/chromium.ts";
import { bundlePage } from "../support/browser/bundled_page.ts";
import { type Captured, capturedBy, startCaptured } from "../support/client/captured_client.ts";

/** An app's page at any path of an origin of its own, and what arrives at the service. */
async function withApp(
  page: Page,
  run: (arrived: () => Promise<readonly Captured[]>, origin: string) => Promise<void>,
  entry: "live" | "start" = "start",
): Promise<void> {
  const test = await startCaptured();
  const listen = { hostname: "localhost", port: 0, onListen: () => {} };
  await using service = Deno.serve(listen, (request) => test.fetch(request.url, request as RequestInit));
  const code = await bundlePage("captured_page.ts");
  const jwt = await test.signIn("alice");
  const script = `<!doctype html><title>App</title><a href="#part">Part</a><script>
globalThis.errors = [];
onerror = (message) => { errors.push("onerror"); return true; };
addEventListener("unhandledrejection", (event) => { errors.push("rejection"); event.preventDefault(); });
globalThis.pushed = [];
const { pushState } = history;
history.pushState = function (...args) { pushed.push(args[2]); return pushState.apply(this, args); };
globalThis.before = history.pushState;
</script><script type="module" src="/page.js"></script>`;
  await using app = Deno.serve(listen, (request) => {
    const isCode = new URL(request.url).pathname === "/page.js";
    return new Response(isCode ? code : script, {
      headers: { "content-type": isCode ? "text/javascript" : "text/html" },
    });
  });
  const origin = `http://localhost:${app.addr.port}`;
  await page.goto(`${origin}/`);
  await page.waitForFunction("globalThis.start !== undefined");
  await page.evaluate(`${entry}("http://localhost:${service.addr.port}", "${jwt}")`);
  await page.evaluate(`globalThis.call = '${entry}("http://localhost:${service.addr.port}", "${jwt}")'`);
  await run(async () => {
    await page.evaluate("client.flush()");
    return await capturedBy(test);
  }, origin);
  await page.evaluate("client.close()");
  await test.close();
}

/** The values of one field of one event, in the order of their text: the service keeps no other. */
function valuesOf(all: readonly Captured[], event: string, field: string): unknown[] {
  return all.filter(([name]) => name === event)
    .map(([, fields]) => (fields as Record<string, unknown>)[field]).sort();
}

browserTest("captureErrors() logs what nobody caught, beside the page's own handlers", async ({ page }) => {
  await withApp(page, async (arrived) => {
    await page.evaluate(`(async () => {
      const turn = () => new Promise((resolve) => setTimeout(resolve));
      class SyncError extends Error {}
      const failed = () => { throw new SyncError("alice@example.org"); };
      setTimeout(failed);
      await turn();
      setTimeout(failed);
      await turn();
      setTimeout(() => undefined.nothing);
      await turn();
      Promise.reject(new RangeError("bob@example.org"));
    })()`);
    await page.waitForFunction("errors.length === 4");
    await page.evaluate(`(async () => {
      end();
      setTimeout(() => { throw new TypeError("late"); });
    })()`);
    await page.waitForFunction("errors.length === 5");
    assertEquals(await page.evaluate("errors.filter((one) => one === 'rejection').length"), 1);
    const all = await arrived();
    assertEquals(valuesOf(all, "uncaught_error", "class"), ["SyncError", "SyncError", "TypeError", "other"]);
    const places = all.filter(([, fields]) => (fields as { class?: string }).class === "SyncError")
      .map(([, fields]) => (fields as { place: number }).place);
    assertEquals(places[0], places[1]);
    assert(!JSON.stringify(all).includes("example.org"));
  });
});

browserTest("captureNavigation() logs routes, through a patched History API and back", async ({ page }) => {
  await withApp(page, async (arrived, origin) => {
    await page.evaluate(`history.pushState({ at: 1 }, "", "/notes/7?secret=1#x")`);
    assertEquals(page.url(), `${origin}/notes/7?secret=1#x`);
    assertEquals(await page.evaluate("[history.state, pushed]"), [{ at: 1 }, ["/notes/7?secret=1#x"]]);
    // Another state of the same path is no navigation.
    await page.evaluate(`history.replaceState({ at: 2 }, "", "/notes/7")`);
    await page.evaluate(`history.pushState(null, "", "/alice")`);
    await page.evaluate(`history.replaceState(null, "", "/settings/account")`);
    const isRefused = `(() => { try { history.pushState(null, "", "https://elsewhere.example/"); }
      catch ({ name }) { return name; } })()`;
    assertEquals(await page.evaluate(isRefused), "SecurityError");
    await page.evaluate(
      `new Promise((resolve) => { addEventListener("popstate", resolve, { once: true }); history.back(); })`,
    );
    await page.click("a");
    assertEquals(valuesOf(await arrived(), "route_shown", "route"), [
      "home",
      "note",
      "note",
      "other",
      "settings",
    ]);
    await page.evaluate("end()");
    assertEquals(
      await page.evaluate("[history.pushState === before, Object.hasOwn(history, 'replaceState')]"),
      [
        true,
        false,
      ],
    );
    await page.evaluate(`history.pushState(null, "", "/settings/more")`);
    assertEquals((await arrived()).length, 5);
  });
});

/** A run of the page in a tab of its own; what it tells when it has looked for dead ones. */
async function runAgain(page: Page, from: string): Promise<Page> {
  const next = await page.context().newPage();
  await next.goto(from);
  await next.waitForFunction("globalThis.start !== undefined");
  return next;
}

browserTest(
  "captureLifecycle() logs a crash once, and no run that lives or has ended in order",
  async ({ page }) => {
    await withApp(page, async (arrived, origin) => {
      const marks = (one: Page) =>
        one.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('dit.run.')).length");
      await page.waitForFunction("Object.keys(localStorage).some((key) => key.startsWith('dit.run.'))");
      const call = String(await page.evaluate("globalThis.call"));
      // Another window while this one lives, which then crashes.
      const crashed = await runAgain(page, origin);
      await crashed.evaluate(call);
      await crashed.waitForFunction(
        "Object.keys(localStorage).filter((key) => key.startsWith('dit.run.')).length === 2",
      );
      const isOver = new Promise((resolve) => crashed.once("crash", resolve));
      await crashed.goto("chrome://crash").catch(() => {});
      await isOver;
      const left = await runAgain(page, origin);
      await left.evaluate(call);
      await left.waitForFunction(
        "client.inspect().then(({ waiting }) => waiting.some(({ name }) => name === 'app_crashed'))",
      );
      await left.evaluate("client.flush()");
      await left.goto("about:blank");
      const last = await runAgain(page, origin);
      assertEquals(await marks(last), 1);
      await last.evaluate(call);
      await last.waitForFunction(
        "Object.keys(localStorage).filter((key) => key.startsWith('dit.run.')).length === 2",
      );
      // Locks are given in the order in which they were asked for.
      await last.evaluate("navigator.locks.query().then(() => client.flush())");
      await last.evaluate("end()");
      assertEquals(await marks(last), 1);
      const names = (await arrived()).map(([name]) => name).sort();
      assertEquals(names.filter((name) => name === "app_crashed").length, 1);
    }, "live");
  },
);
