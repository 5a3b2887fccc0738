/**
 * The operator's routes to records: `GET /admin/v1/apps/{app}/logs/{YYYY-MM-DD}` exports a day as NDJSON,
 * `POST /admin/v1/audit` compares records with claims.
 *
 * @module
 */
import { Hono } from "hono";
import { Refusal } from "../../core/base/errors.ts";
import { exportDay } from "../../core/operations/export.ts";
import type { Server } from "../../core/service.ts";
import { type AuditReport, auditStore } from "../../core/jobs/reconciliation.ts";
import { parseDay } from "../../core/base/time.ts";
import { described } from "../openapi/describe.ts";
import { AUDIT, EXPORT_LOGS } from "../openapi/operator_operations.ts";

/** The router of exports and audits; whoever reaches it has shown the admin token. */
export function adminLogsRoutes(service: Server): Hono {
  let running: Promise<AuditReport> | undefined;
  return new Hono()
    .get("/admin/v1/apps/:app/logs/:day", described(EXPORT_LOGS), function exportLogs(c) {
      const app = service.appOf(c.req.param("app"));
      const day = parseDay(c.req.param("day"));
      if (day === undefined) throw new Refusal("route_unknown", "The day is not written YYYY-MM-DD.");
      const withheld = service.risk.withheldOf(app.id);
      const chunks = exportDay(service.store, app.id, day, service.random, { withheld });
      return c.body(ReadableStream.from(chunks), 200, { "content-type": "application/x-ndjson" });
    })
    .post("/admin/v1/audit", described(AUDIT), async function audit(c) {
      // An audit reads the whole store: whoever asks for one while it runs gets the same one.
      running ??= auditStore(service.store, service.deployment.applications.keys())
        .finally(() => running = undefined);
      return c.json(await running);
    });
}
