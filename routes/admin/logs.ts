/**
 * The operators' routes to records: `GET /admin/v1/apps/{app}/logs/{YYYY-MM-DD}` exports a day as NDJSON,
 * `POST /admin/v1/audit` compares records with the uses that were redeemed.
 *
 * @module
 */
import { Hono } from "hono";
import { exportLogs } from "../../core/operations/actions/export_logs.ts";
import { Reconciler } from "../../core/operations/actions/reconcile.ts";
import type { Server } from "../../core/service.ts";
import type { OperatorEnv } from "../../edge/auth/operator.ts";
import { EXPORT_LOGS, RECONCILE } from "../../edge/operations/operators.ts";
import { readRequest } from "../../edge/read_request.ts";

/** The router of exports and reconciliations, behind the check of the admin token. */
export function adminLogsRoutes(service: Server): Hono<OperatorEnv> {
  const reconciler = new Reconciler(service);
  return new Hono<OperatorEnv>()
    .get(EXPORT_LOGS.path, async function exportDay(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const { params: { day } } = await readRequest(c, EXPORT_LOGS);
      const chunks = await exportLogs(service, c.get("operator"), { app, day });
      return c.body(ReadableStream.from(chunks), 200, { "content-type": "application/x-ndjson" });
    })
    .post(RECONCILE.path, async function audit(c) {
      const { body } = await readRequest(c, RECONCILE);
      return c.json(await reconciler.reconcile(c.get("operator"), { reason: body?.reason }));
    });
}
