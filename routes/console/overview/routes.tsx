/**
 * `GET /console`, the first page.
 *
 * @module
 */
import { Hono } from "hono";
import type { ConsoleEnv } from "../frame/env.ts";
import { renderParts } from "../frame/live.ts";
import type { ConsolePage } from "../frame/page.ts";
import { OVERVIEW_PARTS, overviewFigures, OverviewPage } from "./page.tsx";
import { readOverview } from "./view.ts";

/** The overview. */
export const overviewPage: ConsolePage = {
  name: "overview",
  title: "Overview",
  path: "/console",
  ofEach: true,
  routes: ({ service }, show) =>
    new Hono<ConsoleEnv>().get("/console", async function showOverview(c) {
      const view = await readOverview(service, c.get("session").operator);
      return show(c, { title: "Overview", isLive: true }, <OverviewPage view={view} />);
    }),
  parts: {
    path: "/console/live",
    open: (service, c) => {
      const { operator } = c.get("session");
      return async () => {
        const view = await readOverview(service, operator);
        return { parts: renderParts(OVERVIEW_PARTS, { view }), figures: overviewFigures(view) };
      };
    },
  },
};
