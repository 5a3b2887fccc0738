/**
 * Which part of an app is looked at; an entry point of its own.
 *
 * @module
 */
import type { DitClient } from "../client.ts";
import { type PagePlatform, watchHistory } from "./history.ts";
import { routeFinder } from "./routes.ts";
import { type EventName, type FieldOf, harmless, logTo, OTHER, type Target } from "./target.ts";

export type { EventName, FieldOf, Target } from "./target.ts";

/** Where navigations are logged. */
export interface NavigationOptions<
  Events,
  Name extends EventName<Events>,
  Field extends FieldOf<Events[Name], string>,
> extends Target<Events, Name> {
  /** The `enum` field that takes the route's name. */
  readonly routeField: Field;
  /**
   * Patterns of paths by the routes' names, of which the first that matches counts: `:name` is any one segment, `*` at the
   * end any rest. What matches none is `other`, which the field declares too.
   */
  readonly routes: Readonly<Partial<Record<Extract<Events[Name][Field], string>, string>>>;
}

/**
 * Logs the name of the route that the page shows, now and after each navigation to another path: by links, the History
 * API, and back and forward. No part of an address is logged. `history.pushState` and `replaceState` are called as before,
 * also those that others have patched. The function that comes back ends it and puts back what was there.
 *
 * Without a page it does nothing. It never throws.
 *
 * @example
 * ```ts ignore
 * import { captureNavigation } from "@dit/service/capture_navigation";
 *
 * const end = captureNavigation(client, {
 *   event: "route_shown",
 *   routeField: "route",
 *   routes: { home: "/", note: "/notes/:id", settings: "/settings/*" },
 * });
 * ```
 */
export function captureNavigation<
  Events,
  Name extends EventName<Events>,
  Field extends FieldOf<Events[Name], string>,
>(client: DitClient<Events>, options: NavigationOptions<Events, Name, Field>): () => void {
  let end = () => {};
  harmless(() => {
    const { history, location } = globalThis as PagePlatform;
    if (history === undefined || location === undefined) return;
    const routeOf = routeFinder(options.routes as Record<string, string | undefined>);
    let shown: string | undefined;
    const look = () => {
      const { pathname } = location;
      if (pathname === shown) return;
      shown = pathname;
      logTo(client, options, { [options.routeField]: routeOf(pathname) ?? OTHER });
    };
    end = watchHistory(history, look);
    look();
  })();
  return () => end();
}
