/**
 * The console's modules are loaded when somebody first asks for one of its pages: they are a large part of what the
 * service is made of, and most processes, above all those that a platform starts for a moment, never show a page.
 *
 * @module
 */
import { Hono } from "hono";
import { answerUnknown } from "./unknown.ts";
import type { ConsoleEnv, ConsoleOptions } from "./console/frame/env.ts";

/** The router of the console. */
export function consoleAtFirstUse(options: ConsoleOptions): Hono {
  let loading: Promise<Hono<ConsoleEnv>> | undefined;

  async function load(): Promise<Hono<ConsoleEnv>> {
    const { consoleRoutes } = await import("./console/app.tsx");
    const app = consoleRoutes(options);
    answerUnknown(app);
    return app;
  }

  function loaded(): Promise<Hono<ConsoleEnv>> {
    // Files may fail to open for a moment, such as when there are no descriptors left.
    return loading ??= load().catch((error) => {
      loading = undefined;
      throw error;
    });
  }

  return new Hono().all("/console/*", async (c) => await (await loaded()).fetch(c.req.raw));
}
