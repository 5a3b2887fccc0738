/**
 * Releases for whoever analyses: `GET /admin/v1/apps/{app}/releases` (JSON) and `.../releases.csv`, the last 31 days;
 * `POST /admin/v1/apps/{app}/releases/{YYYY-MM-DD}` makes those of a day. Reading touches no raw record.
 *
 * @module
 */
import { Hono } from "hono";
import { release } from "../../core/operations/actions/release.ts";
import type { Server } from "../../core/service.ts";
import type { OperatorEnv } from "../../edge/auth/operator.ts";
import { described } from "../openapi/describe.ts";
import { MAKE_RELEASES, SHOW_RELEASES, SHOW_RELEASES_CSV } from "../openapi/privacy_operations.ts";
import { releasing } from "../openapi/shapes.ts";
import { readJson } from "./read_json.ts";
import { describeReleases, readShownReleases, releasesCsv } from "./release_documents.ts";
import { requireDay } from "./require_day.ts";

/** The router of releases; whoever reaches it has shown a token. */
export function adminReleasesRoutes(service: Server): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get("/admin/v1/apps/:app/releases", described(SHOW_RELEASES), async function listReleases(c) {
      return c.json(describeReleases(await readShownReleases(service, service.appOf(c.req.param("app")))));
    })
    .get("/admin/v1/apps/:app/releases.csv", described(SHOW_RELEASES_CSV), async function exportReleases(c) {
      const csv = releasesCsv(await readShownReleases(service, service.appOf(c.req.param("app"))));
      return c.body(csv, 200, { "content-type": "text/csv; charset=utf-8" });
    })
    .post("/admin/v1/apps/:app/releases/:day", described(MAKE_RELEASES), async function makeReleases(c) {
      const { app, day } = c.req.param();
      const { early } = await readJson(c.req.raw, releasing, 'Send {} or {"early": true}.');
      const outcomes = await release(service, c.get("operator"), { app, day: requireDay(day), early });
      return c.json({ app, day, outcomes });
    });
}
