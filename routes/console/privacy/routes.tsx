/**
 * `GET /console/apps/{app}/privacy`, and the lifting of stops.
 *
 * @module
 */
import { Hono } from "hono";
import type { Application } from "../../../core/config/types.ts";
import { lift, requireStoppable } from "../../../core/operations/actions/lift.ts";
import { reasonOfForm } from "../frame/confirm.tsx";
import type { ConsoleEnv, ConsoleOptions, Show } from "../frame/env.ts";
import { requireCollection } from "../frame/guard.ts";
import { renderParts } from "../frame/live.ts";
import type { ConsolePage } from "../frame/page.ts";
import { LiftPage } from "./lift.tsx";
import { PRIVACY_PARTS, PrivacyPage } from "./page.tsx";
import { readPrivacy } from "./view.ts";

/** How identifying what is collected has become. */
export const privacyPage: ConsolePage = {
  name: "privacy",
  title: "Privacy",
  path: "/console/apps/:app/privacy",
  routes: privacyRoutes,
  parts: {
    path: "/console/live/privacy/:app",
    open: (service, c) => {
      const app = service.appOf(c.req.param("app") ?? "");
      const session = c.get("session");
      return async () => {
        const view = await readPrivacy(service, app);
        return { parts: renderParts(PRIVACY_PARTS, { app, view, session }), figures: {} };
      };
    },
  },
};

const LIFT = "/console/apps/:app/privacy/lift/:event/:field?";

function privacyRoutes(options: ConsoleOptions, show: Show): Hono<ConsoleEnv> {
  const { service } = options;
  return new Hono<ConsoleEnv>()
    .get("/console/apps/:app/privacy", async function showPrivacy(c) {
      const app = service.appOf(c.req.param("app"));
      const view = await readPrivacy(service, app);
      const shown = { title: `Privacy of ${app.id}`, app: app.id, isLive: true };
      return show(c, shown, <PrivacyPage app={app} view={view} session={c.get("session")} />);
    })
    .get(LIFT, function askToLift(c) {
      const { app, event, field } = c.req.param();
      const stop = stopOf(service.appOf(app), event, field);
      return show(c, { title: "Lift a stop", app }, <LiftPage {...stop} session={c.get("session")} />);
    })
    .post(LIFT, async function liftStop(c) {
      requireCollection(options);
      const { app, event, field } = c.req.param();
      const stop = stopOf(service.appOf(app), event, field);
      await lift(service, c.get("session").operator, { ...stop, reason: reasonOfForm(c) });
      return c.redirect(`/console/apps/${app}/privacy`, 303);
    });
}

/** Names that the schema has, and no others: they go into the page. */
function stopOf(app: Application, event: string, field: string | undefined) {
  requireStoppable(app, event, field);
  return { app: app.id, event, field };
}
