/**
 * The operator's view of re-identification risk: `GET /admin/v1/apps/{app}/risk` tells what is measured, stopped and
 * alerted, `POST /admin/v1/apps/{app}/risk/lift` takes a stop back, `GET /admin/v1/joins` tells which fields of the
 * deployment could be joined.
 *
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import { Refusal } from "../../core/base/errors.ts";
import { readAlerts } from "../../core/privacy/risk/alerts.ts";
import { findJoins } from "../../core/privacy/risk/joins.ts";
import { type JudgedEvent, judgeEvent } from "../../core/privacy/risk/decisions.ts";
import { readRisks } from "../../core/privacy/risk/suppressions.ts";
import type { Server } from "../../core/service.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";
import { described } from "../openapi/describe.ts";
import { LIFT_STOP, SHOW_JOINS, SHOW_RISK } from "../openapi/privacy_operations.ts";

const lifting = z.strictObject({
  event: z.string(),
  field: z.string().optional(),
  reason: z.string().trim().min(1).max(500),
});

/** The router of risk; whoever reaches it has shown the admin token. */
export function adminRiskRoutes(service: Server): Hono {
  return new Hono()
    .get("/admin/v1/apps/:app/risk", described(SHOW_RISK), async function showRisk(c) {
      const app = service.appOf(c.req.param("app"));
      const { rows } = await readRisks(service.store, app.id);
      const measured = await service.risk.measure(app.id, service.now());
      return c.json({
        app: app.id,
        decisions: Object.fromEntries(rows),
        withheld: [...service.risk.withheldOf(app.id)],
        measured: measured.flatMap((event) =>
          judgeEvent(event).map(({ dimension, thresholds, verdict, figures }) => ({
            event: event.event,
            fields: dimension.fields,
            verdict,
            figures,
            thresholds,
          }))
        ),
        alerts: await readAlerts(service.store, app.id),
      });
    })
    .get("/admin/v1/joins", described(SHOW_JOINS), async function showJoins(c) {
      const measured: JudgedEvent[] = [];
      for (const app of service.deployment.applications.keys()) {
        measured.push(...await service.risk.measure(app, service.now()));
      }
      return c.json({ joins: findJoins(measured) });
    })
    .post("/admin/v1/apps/:app/risk/lift", described(LIFT_STOP), async function liftStop(c) {
      const app = service.appOf(c.req.param("app"));
      const body = lifting.safeParse(await readJson(c.req.raw));
      if (!body.success) {
        throw new Refusal(
          "body_malformed",
          'Send {"event": "...", "reason": "..."}, and "field" for a field.',
        );
      }
      const { event, field, reason } = body.data;
      const schema = Object.hasOwn(app.events, event) ? app.events[event] : undefined;
      if (schema === undefined || (field !== undefined && !Object.hasOwn(schema.fields, field))) {
        throw new Refusal("stop_unknown", "The application has no such event or field.");
      }
      if (!await service.risk.lift({ app, event, field, reason }, service.now())) {
        throw new Refusal("stop_unknown", "Nothing is stopped there.");
      }
      return c.json({ lifted: field === undefined ? event : `${event}.${field}` });
    });
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await readBoundedBody(request, 4_096)));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
