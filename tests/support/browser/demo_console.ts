/**
 * The service as `deno task dev` starts it, with its console, for tests in a browser.
 *
 * @module
 */
import type { Page } from "playwright-core";
import type { RunningService } from "../processes/running_service.ts";
import { spawnService } from "../processes/spawned_service.ts";

/** A running service in development. */
export interface DemoConsole {
  readonly service: RunningService;
  /** The link that it printed: it carries the admin token. */
  readonly link: string;
  /** The admin token. */
  readonly token: string;
  /** Runs `deno task demo` against it, as an operator of it; gives what it printed. */
  demo(...args: string[]): Promise<string>;
}

/** Runs a test with a service of its own, in a folder of its own. */
export async function withDemoConsole(run: (parts: DemoConsole) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const root = new URL("../../../", import.meta.url);
  const service = spawnService({
    folder,
    env: {
      DIT_ENV: "development",
      DIT_CONFIG: new URL("dit.config.ts", root).pathname,
      DIT_ADMIN_TOKEN_SHA256: "",
      DIT_SEAL_KEYS: "",
    },
  });
  try {
    await service.ready();
    const link = /The console: (\S+)/.exec(service.lines.join("\n"))?.[1];
    if (link === undefined) throw new Error(`no link was printed: ${service.lines.join("\n")}`);
    const token = decodeURIComponent(new URL(link).hash.slice("#token=".length));
    await run({
      service,
      link: link.replace("localhost", "127.0.0.1"),
      token,
      async demo(...args) {
        const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "--allow-all",
            new URL("cli/demo/demo.ts", root).pathname,
            `--endpoint=${service.url}`,
            ...args,
          ],
          cwd: root,
          env: { DIT_ADMIN_TOKEN: token },
        }).output();
        return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      },
    });
  } finally {
    await service.end("SIGTERM");
    await Deno.remove(folder, { recursive: true });
  }
}

/** Signs in with the link, as a person would. */
export async function signInWith(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}
