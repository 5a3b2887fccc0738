/**
 * All routers put together, with cross-origin rules and the answers to what no route knows.
 *
 * @module
 */
import { Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { Refusal } from "../core/base/errors.ts";
import { RefusedAttempts } from "../core/operations/refused_attempts.ts";
import { hasKeys, type Server } from "../core/service.ts";
import { adminGuard } from "../edge/auth/admin_guard.ts";
import { EXPOSED_HEADERS } from "../edge/http/headers.ts";
import { problemResponse } from "../edge/http/problem.ts";
import { hasTokens, type OperatorTokens } from "../edge/auth/operator.ts";
import type { Regions } from "../edge/remote/region.ts";
import type { SessionAuthenticator } from "../edge/auth/session.ts";
import { evaluateRoutes } from "./acs/evaluate.ts";
import { redeemRoutes } from "./acs/redeem.ts";
import { adminKeysRoutes } from "./admin/keys.ts";
import { adminLogsRoutes } from "./admin/logs.ts";
import { adminReleasesRoutes } from "./admin/releases.ts";
import { adminRiskRoutes } from "./admin/risk.ts";
import { adminStoresRoutes } from "./admin/stores.ts";
import { adminTimeRoutes } from "./admin/time.ts";
import { adminAuditLogRoutes } from "./admin/audit_log.ts";
import { consoleAtFirstUse } from "./console_at_first_use.ts";
import type { ConsoleOptions } from "./console/frame/env.ts";
import { devRoutes } from "./dev/dev.ts";
import { examplesRoutes } from "./dev/examples.ts";
import { healthRoutes } from "./ops/health.ts";
import type { Endpoints } from "../core/keys/directory.ts";
import { keysRoutes } from "./client/keys.ts";
import { logsRoutes } from "./client/logs.ts";
import { schemaRoutes } from "./client/schema.ts";
import { metricsRoutes } from "./ops/metrics.ts";
import { openApiRoutes } from "./openapi/routes.tsx";
import { answerUnknown } from "./unknown.ts";
import { tokensRoutes } from "./client/tokens.ts";

/** `all` does everything; `acs` holds the keys and serves other servers; `logs` serves clients and holds no key. */
export type Role = "all" | "acs" | "logs";

/** What the routers are made of. */
export interface AppOptions {
  /** The server behind them. */
  readonly service: Server;
  /** The program's version. */
  readonly version: string;
  /** Which of them there are: an ACS alone has none for clients, a log server none for other services. */
  readonly role?: Role | undefined;
  /** Who may have tokens, by application; not needed by an ACS alone. */
  readonly sessions?: ReadonlyMap<string, SessionAuthenticator> | undefined;
  /** The other regions, where there are several. */
  readonly regions?: Regions | undefined;
  /** Where the directory leads clients, where tokens and logs have hosts of their own. */
  readonly endpoints?: Endpoints | undefined;
  /** The secrets of development; absent in production, where /dev does not exist. */
  readonly developmentSecret?: ((name: string) => string | undefined) | undefined;
  /** Gives the client SDK as one module for the example page; absent in production, where /examples does not exist. */
  readonly clientBundle?: (() => Promise<string | undefined>) | undefined;
  /** SHA-256 of operators' tokens; without any, and without the console, there are no admin routes. */
  readonly operatorTokens?: OperatorTokens | undefined;
  /** Milliseconds in which a client's whole body has to arrive; 10,000 by default. */
  readonly bodyDeadlineMs?: number | undefined;
  /** What the console needs besides; absent: there is none. */
  readonly console?: Omit<ConsoleOptions, "service" | "tokens" | "attempts" | "collects"> | undefined;
  /** Hears of errors that nobody expected. */
  readonly onInternalError?: ((error: unknown) => void) | undefined;
}

/** Puts the routers together. */
export function createApp(options: AppOptions): Hono {
  const { service, role = "all", sessions = new Map() } = options;
  const app = new Hono();
  app.use("/v1/*", openToEveryOrigin());
  if (role !== "acs") {
    app.route("/", tokensRoutes(service, sessions, options.bodyDeadlineMs));
    app.route("/", logsRoutes(options));
    app.route("/", schemaRoutes(service));
  }
  if (role !== "logs" && hasKeys(service)) {
    app.route("/", evaluateRoutes(service));
    app.route("/", redeemRoutes(service));
  }
  app.route("/", keysRoutes(service, options.regions, options.endpoints));
  app.route("/", healthRoutes(service, options.version));
  if (options.developmentSecret !== undefined) app.route("/", devRoutes(service, options.developmentSecret));
  if (options.clientBundle !== undefined) app.route("/", examplesRoutes(options.clientBundle));
  mountOperators(app, options);
  app.route("/", openApiRoutes(app));
  answerUnknown(app);
  app.onError((error, c) => {
    if (!(error instanceof Refusal)) options.onInternalError?.(error);
    // Middleware has put the cross-origin headers on the answer that this one replaces.
    const response = problemResponse(error);
    for (const [name, value] of c.res.headers) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    return response;
  });
  return app;
}

/** The routes of operators, where somebody may be one. */
function mountOperators(app: Hono, options: AppOptions): void {
  const { service, operatorTokens: tokens = {} } = options;
  if (!hasTokens(tokens) && options.console === undefined) return;
  const attempts = new RefusedAttempts(service);
  const guard = adminGuard(tokens, attempts);
  app.use("/admin/*", guard);
  app.use("/metrics", guard);
  app.route("/", metricsRoutes(service));
  app.route("/", adminAuditLogRoutes(service));
  app.route("/", adminLogsRoutes(service));
  app.route("/", adminTimeRoutes(service));
  const collects = options.role !== "acs";
  if (collects) {
    app.route("/", adminRiskRoutes(service));
    app.route("/", adminReleasesRoutes(service));
  }
  if (hasKeys(service)) {
    app.route("/", adminKeysRoutes(service));
    app.route("/", adminStoresRoutes(service));
  }
  if (options.console === undefined) return;
  app.route("/", consoleAtFirstUse({ ...options.console, service, tokens, attempts, collects }));
}

/** What browsers need before they let a page of any origin read an answer. */
export function openToEveryOrigin(): MiddlewareHandler {
  const answerPreflight = cors({
    origin: "*",
    allowMethods: ["GET", "POST"],
    // What a page's tracing adds to every request (traceparent, baggage, sentry-trace) passes here, so that it breaks
    // none, and ends at the edge (edge/strip.ts): no handler sees it. The star does not stand for the first of them.
    allowHeaders: ["authorization", "content-type", "content-encoding", "*"],
    exposeHeaders: [...EXPOSED_HEADERS],
    maxAge: 7_200,
  });
  const exposed = EXPOSED_HEADERS.join(",");
  return async function allowEveryOrigin(c, next) {
    if (c.req.method === "OPTIONS") return await answerPreflight(c, next);
    await next();
    // Hono's own sets them before there is an answer, and then copies it: a tenth of the time of a log.
    c.res.headers.set("access-control-allow-origin", "*");
    c.res.headers.set("access-control-expose-headers", exposed);
  };
}
