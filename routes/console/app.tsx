/**
 * The console: all its pages put together, with what every answer of it says to the browser.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import type { Child } from "hono/jsx";
import { secureHeaders } from "hono/secure-headers";
import { Refusal } from "../../core/base/errors.ts";
import { CODE_HEADER } from "../../edge/http/headers.ts";
import { PROBLEMS } from "../../edge/http/problem.ts";
import { assetRoutes } from "./assets.ts";
import type { ConsoleEnv, ConsoleOptions } from "./frame/env.ts";
import { requireForm, requireSession } from "./frame/guard.ts";
import { keyRoutes } from "./keys/routes.tsx";
import { Layout, type LayoutProps } from "./frame/layout.tsx";
import { LiveViews } from "./frame/live.ts";
import { OVERVIEW_PARTS, overviewFigures, OverviewPage } from "./overview/page.tsx";
import { readOverview } from "./overview/view.ts";
import { privacyRoutes } from "./privacy/routes.tsx";
import { SchemaPage } from "./schema/page.tsx";
import { RefusalPage, signInRoutes } from "./sign_in/page.tsx";
import { AuditLogPage, ENTRIES_PER_PAGE } from "./audit_log/page.tsx";

/** The outcome of an action stands so many entries behind it at most. */
const OUTCOME_WITHIN = 32;

/** Shows a page in its frame. */
export type Show = (c: Context<ConsoleEnv>, props: PageProps, page: Child) => Response | Promise<Response>;

/** What a page tells its frame; the rest the frame knows. */
export type PageProps = Pick<LayoutProps, "title" | "page" | "live" | "app">;

/** The router of the console. */
export function consoleRoutes(options: ConsoleOptions): Hono<ConsoleEnv> {
  const { service } = options;
  const apps = [...service.deployment.applications.keys()];
  const live = new LiveViews(options);

  const show: Show = (c, props, page) =>
    c.html(
      <Layout {...props} session={c.get("session")} apps={apps} region={service.region}>{page}</Layout>,
    );

  const app = new Hono<ConsoleEnv>();
  app.use("/console/*", browserRules(options.secure));
  app.route("/", assetRoutes());
  app.route("/", signInRoutes(options));
  app.use("/console/*", requireSession(options), requireForm(options));
  app.get("/console", async function showOverview(c) {
    const view = await readOverview(service);
    return show(
      c,
      { title: "Overview", page: "overview", live: "/console/live" },
      <OverviewPage view={view} />,
    );
  });
  app.get("/console/live", (c) =>
    live.answer(c, async () => {
      const view = await readOverview(service);
      const parts = Object.entries(OVERVIEW_PARTS).map(([id, Part]) => [id, String(<Part view={view} />)]);
      return { parts: Object.fromEntries(parts), figures: overviewFigures(view) };
    }));
  app.route("/", keyRoutes(options, show));
  app.route("/", privacyRoutes(options, show, live));
  app.get("/console/apps/:app/schema", function showSchema(c) {
    const application = service.appOf(c.req.param("app"));
    const props = { title: `Schema of ${application.id}`, page: "schema", app: application.id } as const;
    const suppressions = service.suppressionsOf(application.id);
    return show(c, props, <SchemaPage app={application} suppressions={suppressions} now={service.now()} />);
  });
  for (const path of ["/console/trail", "/console/trail/before/:number{[0-9]{1,15}}"] as const) {
    app.get(path, async function showAuditLog(c) {
      const before = Number(c.req.param("number" as never) ?? Number.MAX_SAFE_INTEGER - OUTCOME_WITHIN);
      const [entries, verdict] = await Promise.all([
        service.auditLog.latest(ENTRIES_PER_PAGE + OUTCOME_WITHIN, before + OUTCOME_WITHIN),
        service.auditLog.verify(),
      ]);
      return show(
        c,
        { title: "Audit trail", page: "trail" },
        <AuditLogPage entries={entries} before={before} verdict={verdict} />,
      );
    });
  }
  app.onError((error, c) => {
    const refusal = error instanceof Refusal ? error : new Refusal("internal", "Something went wrong here.");
    if (refusal !== error) throw error;
    const [status] = PROBLEMS[refusal.code];
    c.header(CODE_HEADER, refusal.code);
    return c.html(<RefusalPage refusal={refusal} />, status as 400);
  });
  return app;
}

/** Nothing from elsewhere, no framing, no caching, and no address of a page told to anybody. */
function browserRules(secure: boolean) {
  const rules = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    referrerPolicy: "no-referrer",
    xFrameOptions: "DENY",
    crossOriginOpenerPolicy: "same-origin",
    crossOriginResourcePolicy: "same-origin",
    strictTransportSecurity: secure ? "max-age=31536000" : false,
    permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
  });
  return async function applyRules(c: Context, next: () => Promise<void>) {
    await rules(c, next);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  };
}
