/**
 * Releases for analysts: `GET /admin/v1/apps/{app}/releases` (JSON) and `.../releases.csv`, the last 31 days;
 * `POST /admin/v1/apps/{app}/releases/{YYYY-MM-DD}` makes those of a day, and `GET` says what that would cost. Reading touches no raw record.
 *
 * @module
 */
import { Hono } from "hono";
import { release } from "../../core/operations/actions/release.ts";
import type { Server } from "../../core/service.ts";
import type { OperatorEnv } from "../../edge/auth/operator.ts";
import {
  FORESEE_RELEASES,
  MAKE_RELEASES,
  SHOW_RELEASES,
  SHOW_RELEASES_CSV,
} from "../../edge/operations/privacy.ts";
import { readRequest } from "../../edge/read_request.ts";
import { describeForeseen, describeReleases, readShownReleases, releasesCsv } from "./release_documents.ts";

/** The router of releases, behind the check of a token. */
export function adminReleasesRoutes(service: Server): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get(SHOW_RELEASES.path, async function listReleases(c) {
      return c.json(describeReleases(await readShownReleases(service, service.appOf(c.req.param("app")))));
    })
    .get(SHOW_RELEASES_CSV.path, async function exportReleases(c) {
      const csv = releasesCsv(await readShownReleases(service, service.appOf(c.req.param("app"))));
      return c.body(csv, 200, { "content-type": "text/csv; charset=utf-8" });
    })
    .get(FORESEE_RELEASES.path, async function foreseeReleases(c) {
      const app = service.appOf(c.req.param("app"));
      const { params: { day } } = await readRequest(c, FORESEE_RELEASES);
      return c.json(await describeForeseen(service, app, day));
    })
    .post(MAKE_RELEASES.path, async function makeReleases(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const { params: { day }, body: { early } } = await readRequest(c, MAKE_RELEASES);
      const outcomes = await release(service, c.get("operator"), { app, day, early });
      return c.json({ app, day: c.req.param("day"), outcomes });
    });
}
