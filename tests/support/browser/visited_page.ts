/**
 * A page of an app on an origin of its own, whose visits are short: what it logs as it ends, and how it ends.
 *
 * @module
 */
import type { BrowserContext, Page } from "playwright-core";
import type { Stage } from "./example_page.ts";

/** When a page logs, and how it ends. */
export const ENDS = ["log, then navigate", "pagehide", "visibilitychange", "click", "close"] as const;

/** One of {@linkcode ENDS}. */
export type End = typeof ENDS[number];

/** An app's own server. */
export interface VisitedPage extends AsyncDisposable {
  /** Where it answers: `/` has the client, `/other` has not. */
  readonly origin: string;
}

/** `options`: what the page's client is made with besides, as JavaScript. */
function pageOf(endpoint: string): string {
  return `<!doctype html><title>Visited</title><a href="/other">Leave</a><script type="module">
import { browserStorage, DitClient } from "/client.js";
const { when, ...options } = JSON.parse(decodeURIComponent(location.hash.slice(1) || "{}"));
const session = async () => (await (await fetch("/dev/session", {
  method: "POST", body: JSON.stringify({ client: crypto.randomUUID(), app: "demo" }),
})).json()).jwt;
globalThis.told = [];
globalThis.client = new DitClient({ endpoint: "${endpoint}", app: "demo", session, storage: await browserStorage("visits"), ...options });
for (const name of ["sent", "dropped", "issued", "refused", "stopped"]) {
  client.on(name, (event) => told.push({ name, ...event }));
}
globalThis.logOne = () => client.log("page_view", { load_ms: 70, colours: "dark" });
if (when === "pagehide") addEventListener("pagehide", logOne);
if (when === "visibilitychange") {
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && logOne());
}
if (when === "click") document.querySelector("a").onclick = logOne;
addEventListener("pageshow", ({ persisted }) => globalThis.wasKept = persisted);
document.documentElement.dataset.ready = "true";
</script>`;
}

/** Serves the page, for which the stage's service is at another origin. */
export function serveVisited(stage: Pick<Stage, "url" | "folder">): VisitedPage {
  const server = Deno.serve({ port: 0, hostname: "localhost", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/dev/session") {
      return await fetch(stage.url + pathname, { method: "POST", body: await request.text() });
    }
    const isScript = pathname === "/client.js";
    const body = isScript
      ? await Deno.readTextFile(`${stage.folder}/.dit/client.js`)
      : pathname === "/"
      ? pageOf(stage.url)
      : "<!doctype html><title>Other</title>";
    const type = isScript ? "text/javascript" : "text/html";
    return new Response(body, { headers: { "content-type": `${type}; charset=utf-8` } });
  });
  return {
    origin: `http://localhost:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Opens it in a tab of its own; `options`: what its client is made with, and when it logs. */
export async function visit(
  context: BrowserContext,
  origin: string,
  options: Record<string, unknown> = {},
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin}/#${encodeURIComponent(JSON.stringify(options))}`);
  await page.locator("html[data-ready]").waitFor();
  return page;
}

/** Ends a visit as its user does, having the page log as it ends. */
export async function leave(page: Page, end: End): Promise<void> {
  if (end === "click") await page.locator("a").click();
  if (end === "log, then navigate") await page.evaluate(`logOne(); location.href = "/other"`);
  if (end === "pagehide" || end === "visibilitychange") await page.evaluate(`location.href = "/other"`);
  if (end === "close") await page.evaluate(`logOne()`);
  else await page.waitForURL("**/other");
  await page.close();
}

/** Sends what waits, until nothing does. */
export async function sendAll(page: Page): Promise<void> {
  await page.evaluate(`(async () => {
    for (;;) {
      await client.flush();
      const { waiting, bound } = await client.inspect();
      if (waiting.length + bound.length === 0) return;
    }
  })()`);
}
