/**
 * The example page of the client in a browser, and the service behind it: what tests press, read and count.
 *
 * @module
 */
import type { BrowserContext, Page, Request } from "playwright-core";
import { freePort } from "../processes/free_ports.ts";
import type { RunningService } from "../processes/running_service.ts";
import { Folders, startReady } from "../processes/service_process.ts";
import { type ChromiumOptions, startChromium } from "./chromium.ts";
import { exportEvents, type StoredEvent } from "../store/stored_events.ts";

const PATH = "/examples/browser/";

/** A development service with a browser in front of it. */
export interface Stage extends AsyncDisposable {
  /** Where the service is. */
  readonly url: string;
  /** Where the client's bundle and the admin token are, in `.dit/`. */
  readonly folder: string;
  /** The browser's tabs. */
  readonly context: BrowserContext;
  /** All events that the service stored, by what its operator may export. */
  readonly stored: () => Promise<StoredEvent[]>;
}

/** How a stage is set. */
export interface StageOptions extends Pick<ChromiumOptions, "preferences" | "flags" | "bfcache"> {
  /** Variables of the service besides those of development. */
  readonly env?: Record<string, string>;
  /** The port of the service; a free one by default. */
  readonly port?: number;
}

/** Starts both: the service as `deno task dev` does. */
export async function setStage(
  { env, port = freePort(), ...browser }: StageOptions = {},
): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const folders = started.use(new Folders());
  const folder = await folders.make();
  const bundled = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--unstable-bundle", "--allow-all", "cli/bundle_client.ts", folder],
    cwd: new URL("../../../", import.meta.url),
  }).output();
  if (!bundled.success) throw new Error(new TextDecoder().decode(bundled.stderr));
  const service: RunningService = started.use(await startReady({ folder, port, env }));
  const { context } = started.use(await startChromium(browser));
  const stack = started.move();
  return {
    url: service.url,
    folder,
    context,
    stored: () => exportEvents(service.url, folder),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** The page in one tab. */
export class ExamplePage {
  /** The client's requests so far: what the app's own switch lets out. */
  readonly requests: Request[] = [];
  /** What went wrong in the page besides the crashes that somebody asked for. */
  readonly errors: string[] = [];

  private constructor(readonly page: Page) {
    page.on("request", (request) => {
      if (new URL(request.url()).pathname.startsWith("/v1/")) this.requests.push(request);
    });
    page.on("pageerror", ({ message }) => {
      if (!message.includes("Somebody pressed Crash")) this.errors.push(message);
    });
  }

  /**
   * Opens it in a tab of its own, at the service or at `origin`, with the service named behind the `#`: as one endpoint, or
   * as it says.
   */
  static async open(stage: Stage, origin?: string, place = `endpoint=${stage.url}`): Promise<ExamplePage> {
    const example = new ExamplePage(await stage.context.newPage());
    const hash = origin === undefined ? "" : `#${place}`;
    await example.page.goto((origin ?? stage.url) + PATH + hash);
    await example.ready();
    return example;
  }

  /** Waits until its client is there. */
  async ready(): Promise<void> {
    await this.page.locator("html[data-ready]").waitFor();
  }

  /** Loads it again, which ends its client at once. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /** Presses a button, `times` times. */
  async press(id: "log" | "crash" | "flush" | "reset" | "opt-out" | "opt-in", times = 1): Promise<void> {
    for (let time = 0; time < times; time++) await this.page.locator(`#${id}`).click();
  }

  /** Turns the app's own switch. */
  async setOffline(offline: boolean): Promise<void> {
    await this.page.locator("#offline").setChecked(offline);
  }

  /** Waits until so many events wait, by what the page shows of `client.inspect()`. */
  async waitForQueued(count: number): Promise<void> {
    await this.page.locator("#queued-count").getByText(String(count), { exact: true }).waitFor();
  }

  /** Waits until the page shows an event of its client that reads like this. */
  async waitForEvent(text: string | RegExp): Promise<void> {
    await this.page.locator("#events li").filter({ hasText: text }).first().waitFor();
  }

  /** Has the client try to send what is queued, and waits until it did. */
  async send(): Promise<void> {
    await this.press("flush");
    await this.page.locator("#flush:not([aria-busy])").waitFor();
  }

  /** Sends what is queued, and waits until nothing is. */
  async sendAll(): Promise<void> {
    await this.send();
    await this.waitForQueued(0);
  }

  /** How often the client sent a request of this kind. */
  count(kind: "tokens" | "logs"): number {
    return this.requests.filter((request) => request.url().endsWith(`/${kind}`)).length;
  }

  /** What a tile shows. */
  async tile(id: "state" | "uses" | "pseudonym" | "storage"): Promise<string> {
    return await this.page.locator(`#${id}`).innerText();
  }

  /** Waits until a tile shows this. A tab looks at what another one changed once a second. */
  async waitForTile(id: "state" | "uses" | "pseudonym" | "storage", text: string): Promise<void> {
    await this.page.locator(`#${id}`).getByText(text, { exact: true }).waitFor();
  }

  /** Everything that the browser keeps for the page's origin. */
  stored(): Promise<{
    readonly indexedDb: Record<string, [key: string, value: string][]>;
    readonly local: string[];
    readonly session: string[];
    readonly cookies: string;
    readonly caches: string[];
  }> {
    // A text, since what it uses is a browser's and not Deno's.
    return this.page.evaluate(`(async () => {
      const done = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const indexedDb = {};
      for (const { name } of await indexedDB.databases()) {
        const database = await done(indexedDB.open(name));
        indexedDb[name] = [];
        for (const store of database.objectStoreNames) {
          const entries = database.transaction(store).objectStore(store);
          const [keys, values] = await Promise.all([done(entries.getAllKeys()), done(entries.getAll())]);
          indexedDb[name].push(...keys.map((key, at) => [key, values[at]]));
        }
        database.close();
      }
      return {
        indexedDb,
        local: Object.keys(localStorage),
        session: Object.keys(sessionStorage),
        cookies: document.cookie,
        caches: await caches.keys(),
      };
    })()`);
  }
}
