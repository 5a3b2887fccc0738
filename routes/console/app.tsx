/**
 * The console: all its pages put together, with what every answer of it says to the browser.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { Refusal } from "../../core/base/errors.ts";
import { CODE_HEADER } from "../../edge/http/headers.ts";
import { PROBLEMS } from "../../edge/http/problem.ts";
import { assetRoutes } from "./assets.ts";
import type { ConsoleEnv, ConsoleOptions, Show } from "./frame/env.ts";
import { requireForm, requireSession } from "./frame/guard.ts";
import { Layout } from "./frame/layout.tsx";
import { LiveViews } from "./frame/live.ts";
import { type ConsolePage, pathFor } from "./frame/page.ts";
import { RefusalPage } from "./frame/refusal.tsx";
import { appsOn, keepToOwnPages, pagesOf } from "./own_pages.ts";
import { PAGES } from "./pages.ts";
import { signInRoutes } from "./sign_in/routes.tsx";

/** The router of the console. */
export function consoleRoutes(options: ConsoleOptions): Hono<ConsoleEnv> {
  const { service } = options;
  const apps = [...service.deployment.applications.keys()];
  const live = new LiveViews(options);

  const showIn = (page: ConsolePage): Show => (c, { title, app, isLive = false }, children) => {
    const session = c.get("session");
    const own = appsOn(page, session.signedIn, apps);
    const pages = pagesOf(session.signedIn, app ?? own[0] ?? "");
    const frame = { title, page, pages, session, apps: own, app, region: service.region };
    const liveAt = isLive && page.parts !== undefined ? pathFor(page.parts.path, app ?? "") : undefined;
    return c.html(<Layout {...frame} live={liveAt}>{children}</Layout>);
  };

  const app = new Hono<ConsoleEnv>();
  app.use("/console/*", browserRules(options.secure));
  app.route("/", assetRoutes());
  app.route("/", signInRoutes(options));
  app.use("/console/*", requireSession(options), keepToOwnPages(options), requireForm(options));
  for (const page of PAGES) {
    const { parts } = page;
    if (parts !== undefined) app.get(parts.path, (c) => live.answer(c, parts.open(service, c)));
    app.route("/", page.routes(options, showIn(page)));
  }
  app.onError((error, c) => {
    if (!(error instanceof Refusal)) throw error;
    const [status] = PROBLEMS[error.code];
    c.header(CODE_HEADER, error.code);
    const { retryAfterSeconds } = error.details;
    if (retryAfterSeconds !== undefined) c.header("retry-after", String(Math.ceil(retryAfterSeconds)));
    const signingIn = c.req.path.startsWith("/console/sign-in");
    return c.html(<RefusalPage refusal={error} signingIn={signingIn} />, status as 400);
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
