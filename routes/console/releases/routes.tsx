/**
 * `GET /console/apps/{app}/releases`, and the same answers as CSV.
 *
 * @module
 */
import { Hono } from "hono";
import { readShownReleases, releasesCsv } from "../../admin/release_documents.ts";
import type { ConsoleEnv } from "../frame/env.ts";
import { requireCollection } from "../frame/guard.ts";
import type { ConsolePage } from "../frame/page.ts";
import { ReleasesPage } from "./page.tsx";
import { readReleasesView } from "./view.ts";

/** The answers of an application. */
export const releasesPage: ConsolePage = {
  name: "releases",
  title: "Releases",
  path: "/console/apps/:app/releases",
  forAnalysts: true,
  routes: ({ service, collects }, show) =>
    new Hono<ConsoleEnv>()
      .get("/console/apps/:app/releases", async function showReleases(c) {
        const app = service.appOf(c.req.param("app"));
        const view = await readReleasesView(service, app);
        const shown = { title: `Releases of ${app.id}`, app: app.id };
        return show(c, shown, <ReleasesPage app={app} view={view} />);
      })
      .get("/console/apps/:app/releases.csv", async function downloadReleases(c) {
        requireCollection({ collects });
        const app = service.appOf(c.req.param("app"));
        return c.body(releasesCsv(await readShownReleases(service, app)), 200, {
          "content-type": "text/csv; charset=utf-8",
          "content-disposition": `attachment; filename="releases-${app.id}.csv"`,
        });
      }),
};
