/**
 * A headless Chromium for the length of one test: Debian's, driven by playwright-core.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import axe from "axe-core";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Where Chromium is, or `CHROMIUM`. */
const EXECUTABLE = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What a browser gets for one step, of which three run at once on a machine that may be slow. */
const PATIENCE_MS = 120_000;

/** Whether there is a Chromium here. */
export const hasChromium = await isFile(EXECUTABLE);

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** A browser with an empty profile. */
export interface Browser {
  readonly context: BrowserContext;
  readonly page: Page;
  /** URLs of everything that was asked for. */
  readonly requested: Set<string>;
  /** Errors of pages and of their security policy. */
  readonly faults: string[];
}

/** Registers a test that needs Chromium. Without one it is passed over, and says so. */
export function browserTest(
  name: string,
  run: (browser: Browser) => Promise<void>,
  options: BrowserContextOptions = {},
): void {
  testWithChromium(name, () => withBrowser(run, options));
}

/** Registers a test that starts a Chromium itself. Without one it is passed over, and says so. */
export function testWithChromium(name: string, run: () => Promise<void>): void {
  if (!hasChromium) {
    // deno-lint-ignore no-console -- a test that is not run says why.
    console.log(
      `Not run, since there is no ${EXECUTABLE} (apt-get install chromium, or set CHROMIUM): ${name}`,
    );
  }
  Deno.test({
    name,
    ignore: !hasChromium,
    // The driver keeps a few things of its own open.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: run,
  });
}

/** A running Chromium; it ends and its profile is removed on disposal. */
export interface Chromium extends AsyncDisposable {
  readonly context: BrowserContext;
}

/** How a Chromium is started. */
export interface ChromiumOptions {
  /** What a page is told of its surroundings. */
  readonly context?: BrowserContextOptions;
  /** Settings in the profile, as Chromium itself writes them; none by default. */
  readonly preferences?: unknown;
  /** Flags besides those of all tests. */
  readonly flags?: readonly string[];
  /** Whether a page that was left is kept as it is, for whoever goes back; not by default, since the driver says so. */
  readonly bfcache?: boolean;
}

/** Starts Chromium with an empty profile, or one with preferences. */
export async function startChromium(
  { context: options, preferences, flags = [], bfcache = false }: ChromiumOptions = {},
): Promise<Chromium> {
  const profile = await Deno.makeTempDir();
  if (preferences !== undefined) {
    await Deno.mkdir(`${profile}/Default`);
    await Deno.writeTextFile(`${profile}/Default/Preferences`, JSON.stringify(preferences));
  }
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    headless: true,
    args: [...FLAGS, ...flags],
    ignoreDefaultArgs: bfcache ? ["--disable-back-forward-cache"] : [],
    timeout: PATIENCE_MS,
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      await removeFolder(profile);
    },
  };
}

/** Removes a profile, into which what is left of the browser may still write while it ends. */
async function removeFolder(path: string): Promise<void> {
  for (const giveUpAt = performance.now() + 30_000;;) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function withBrowser(
  run: (browser: Browser) => Promise<void>,
  options: BrowserContextOptions,
): Promise<void> {
  await using chromium = await startChromium({ context: options });
  const { context } = chromium;
  const page = await context.newPage();
  const requested = new Set<string>();
  const faults: string[] = [];
  page.on("request", (request) => requested.add(request.url()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.text().includes("Content Security Policy")) {
      faults.push(message.text());
    }
  });
  await run({ context, page, requested, faults });
}

/** Asserts that axe-core finds nothing serious or critical on a page, by all of its rules or by some. */
export async function assertAccessible(page: Page, what: string, rules?: string[]): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async (rules) => {
    const { axe } = globalThis as unknown as {
      axe: { run: (options: object) => Promise<{ violations: Violation[] }> };
    };
    return (await axe.run(rules === undefined ? {} : { runOnly: rules })).violations;
  }, rules);
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  assertEquals(found, [], what);
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}
