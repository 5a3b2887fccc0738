/**
 * The console's pages on privacy and releases, and the lifting of stops.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { Refusal } from "../../../core/base/errors.ts";
import { actAsOperator } from "../frame/act.ts";
import type { Show } from "../app.tsx";
import type { ConsoleEnv, ConsoleOptions } from "../frame/env.ts";
import type { LiveViews } from "../frame/live.ts";
import { LiftPage, PRIVACY_PARTS, PrivacyPage } from "./page.tsx";
import { readPrivacy } from "./view.ts";
import { ReleasesPage } from "../releases/page.tsx";
import { readReleasesView } from "../releases/view.ts";

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** The router of privacy and releases. */
export function privacyRoutes(options: ConsoleOptions, show: Show, live: LiveViews): Hono<ConsoleEnv> {
  const { service } = options;
  const appOf = (c: Context<ConsoleEnv>) => service.appOf(c.req.param("app")!);
  const routes = new Hono<ConsoleEnv>()
    .get("/console/apps/:app/privacy", async function showPrivacy(c) {
      const app = appOf(c);
      const props = {
        title: `Privacy of ${app.id}`,
        page: "privacy",
        app: app.id,
        live: `/console/live/privacy/${app.id}`,
      } as const;
      const view = await readPrivacy(service, app);
      return show(c, props, <PrivacyPage app={app} view={view} session={c.get("session")} />);
    })
    .get("/console/live/privacy/:app", (c) => {
      const app = appOf(c);
      const session = c.get("session");
      return live.answer(c, async () => {
        const view = await readPrivacy(service, app);
        const parts = Object.entries(PRIVACY_PARTS).map((
          [id, Part],
        ) => [id, String(<Part app={app} view={view} session={session} />)]);
        return { parts: Object.fromEntries(parts), figures: {} };
      });
    })
    .get("/console/apps/:app/releases", async function showReleases(c) {
      const app = appOf(c);
      const view = await readReleasesView(service, app);
      const props = { title: `Releases of ${app.id}`, page: "releases", app: app.id } as const;
      return show(c, props, <ReleasesPage app={app} view={view} />);
    })
    .get("/console/apps/:app/releases.csv", async function downloadReleases(c) {
      const app = appOf(c);
      const path = `/admin/v1/apps/${app.id}/releases.csv`;
      const response = await options.callAdmin(path, {}, c.get("session").operator);
      return c.body(await response.text(), 200, {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="releases-${app.id}.csv"`,
      });
    });
  for (
    const path of [
      "/console/apps/:app/privacy/lift/:event",
      "/console/apps/:app/privacy/lift/:event/:field",
    ] as const
  ) {
    routes
      .get(path, (c) => {
        const { id, event, field } = readStop(c);
        const props = { title: "Lift a stop", page: "privacy", app: id } as const;
        return show(c, props, <LiftPage app={id} event={event} field={field} session={c.get("session")} />);
      })
      .post(path, async function lift(c) {
        const { id, event, field } = readStop(c);
        await actAsOperator(c, options, `/admin/v1/apps/${id}/risk/lift`, {
          event,
          ...(field === undefined ? {} : { field }),
        });
        return c.redirect(`/console/apps/${id}/privacy`, 303);
      });
  }
  return routes;

  function readStop(c: Context<ConsoleEnv>) {
    const { id, events } = appOf(c);
    const [event = "", field] = [c.req.param("event"), c.req.param("field")];
    const schema = NAME.test(event) && Object.hasOwn(events, event) ? events[event] : undefined;
    if (schema === undefined || (field !== undefined && !Object.hasOwn(schema.fields, field))) {
      throw new Refusal("stop_unknown", "The application has no such event or field.");
    }
    return { id, event, field };
  }
}
