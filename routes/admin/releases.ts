/**
 * Releases for whoever analyses: `GET /admin/v1/apps/{app}/releases` (JSON) and `.../releases.csv`, the last 31 days;
 * `POST /admin/v1/apps/{app}/releases/{YYYY-MM-DD}` makes those of a day. Reading touches no raw record.
 *
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import { Refusal } from "../../core/base/errors.ts";
import { releaseContext } from "../../core/jobs/run_releases.ts";
import { readBudget } from "../../core/privacy/release/budget.ts";
import { releaseDay } from "../../core/privacy/release/release.ts";
import { readReleases } from "../../core/privacy/release/rows.ts";
import type { Server } from "../../core/service.ts";
import { dayOf, parseDay } from "../../core/base/time.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";
import { described } from "../openapi/describe.ts";
import { MAKE_RELEASES, SHOW_RELEASES, SHOW_RELEASES_CSV } from "../openapi/privacy_operations.ts";
import { describeBudget, describeRelease, releasesCsv } from "./release_documents.ts";

/** Days of one answer. */
const SHOWN_DAYS = 31;

const making = z.strictObject({ early: z.boolean().optional() });

/** The router of releases; whoever reaches it has shown a token. */
export function adminReleasesRoutes(service: Server): Hono {
  const shown = async (id: string) => {
    const app = service.appOf(id);
    const today = dayOf(service.now());
    const releases = await readReleases(service.store, app.id, today - SHOWN_DAYS, today);
    if (app.releases === undefined) return { app, releases, budgets: [] };
    const current = await readBudget(service.store, app, today);
    const budgets = [await readBudget(service.store, app, current.fromDay - 1), current];
    return { app, releases, budgets };
  };
  return new Hono()
    .get("/admin/v1/apps/:app/releases", described(SHOW_RELEASES), async function listReleases(c) {
      const { app, releases, budgets } = await shown(c.req.param("app"));
      return c.json({
        app: app.id,
        budgets: budgets.map(describeBudget),
        releases: releases.map((release) => describeRelease(release, app.events)),
      });
    })
    .get("/admin/v1/apps/:app/releases.csv", described(SHOW_RELEASES_CSV), async function exportReleases(c) {
      const { releases, budgets } = await shown(c.req.param("app"));
      return c.body(releasesCsv(releases, budgets), 200, { "content-type": "text/csv; charset=utf-8" });
    })
    .post("/admin/v1/apps/:app/releases/:day", described(MAKE_RELEASES), async function makeReleases(c) {
      const app = service.appOf(c.req.param("app"));
      const day = parseDay(c.req.param("day"));
      if (day === undefined) throw new Refusal("route_unknown", "The day is not written YYYY-MM-DD.");
      const body = making.safeParse(await readJson(c.req.raw));
      if (!body.success) throw new Refusal("body_malformed", 'Send {} or {"early": true}.');
      const early = body.data.early ?? false;
      const outcomes = await releaseDay(releaseContext(service), app, day, {
        nowSeconds: service.now(),
        early,
      });
      return c.json({ app: app.id, day: c.req.param("day"), outcomes });
    });
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await readBoundedBody(request, 1_024)));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
