/**
 * What a folder of pages exports: the list of them (routes/console/pages.ts) makes navigation, routes and live views.
 *
 * @module
 */
import type { Context, Hono } from "hono";
import type { Server } from "../../../core/service.ts";
import type { ConsoleEnv, ConsoleOptions, Show } from "./env.ts";
import type { LiveView } from "./live.ts";

/** An entry of the navigation with all that is behind it. */
export interface ConsolePage {
  /** Its name, which no other has. */
  readonly name: string;
  /** What the navigation calls it. */
  readonly title: string;
  /** Where the navigation leads; with `:app` each application has one. */
  readonly path: string;
  /** Whether analysts see it, too; then they see whatever is below its path. */
  readonly forAnalysts?: true;
  /** Whether it lists applications, so that an operator of some sees it as well, with theirs alone. */
  readonly ofEach?: true;
  /** Paths of it that name an application and are about the whole service. */
  readonly ofWhole?: readonly string[];
  /** Makes its routes. */
  readonly routes: (options: ConsoleOptions, show: Show) => Hono<ConsoleEnv>;
  /** Its live view, where it has one. */
  readonly parts?: LiveParts;
}

/** The parts of a page that are replaced while somebody looks. */
export interface LiveParts {
  /** Where they come from; `:app` is that of the page. */
  readonly path: string;
  /**
   * Gives what reads and renders them.
   * @throws {Refusal} Before anything is sent, such as `app_unknown`.
   */
  readonly open: (service: Server, c: Context<ConsoleEnv>) => () => Promise<LiveView>;
}

/** Where a page or its parts are for an application. */
export function pathFor(path: string, app: string): string {
  return path.replace(":app", app);
}
