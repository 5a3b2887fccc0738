/**
 * The operators' view of re-identification risk: `GET /admin/v1/apps/{app}/risk` tells what is measured, stopped and
 * alerted, `POST /admin/v1/apps/{app}/risk/lift` takes a stop back, `GET /admin/v1/joins` tells which fields of the
 * deployment could be joined.
 *
 * @module
 */
import { Hono } from "hono";
import { lift } from "../../core/operations/actions/lift.ts";
import type { Server } from "../../core/service.ts";
import type { OperatorEnv } from "../../edge/auth/operator.ts";
import { described } from "../openapi/describe.ts";
import { LIFT_STOP, SHOW_JOINS, SHOW_RISK } from "../openapi/privacy_operations.ts";
import { lifting } from "../openapi/shapes.ts";
import { readJson } from "./read_json.ts";
import { readJoins, readRisk } from "./risk_documents.ts";

const EXPECTED = 'Send {"event": "...", "reason": "..."}, and "field" for a field.';

/** The router of risk; whoever reaches it has shown a token, and lifts something only with the admin token. */
export function adminRiskRoutes(service: Server): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get("/admin/v1/apps/:app/risk", described(SHOW_RISK), async function showRisk(c) {
      return c.json(await readRisk(service, service.appOf(c.req.param("app"))));
    })
    .get("/admin/v1/joins", described(SHOW_JOINS), async function showJoins(c) {
      return c.json(await readJoins(service));
    })
    .post("/admin/v1/apps/:app/risk/lift", described(LIFT_STOP), async function liftStop(c) {
      const given = await readJson(c.req.raw, lifting, EXPECTED);
      return c.json(await lift(service, c.get("operator"), { app: c.req.param("app"), ...given }));
    });
}
