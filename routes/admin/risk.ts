/**
 * The operators' view of re-identification risk: `GET /admin/v1/apps/{app}/risk` tells what is measured, stopped and
 * alerted, `POST /admin/v1/apps/{app}/risk/lift` takes a stop back, `GET /admin/v1/joins` tells which fields of the
 * deployment link records by their values.
 *
 * @module
 */
import { Hono } from "hono";
import { lift } from "../../core/operations/actions/lift.ts";
import type { Server } from "../../core/service.ts";
import { isTheirs, type OperatorEnv } from "../../edge/auth/operator.ts";
import { LIFT_SUPPRESSION, SHOW_JOINS, SHOW_RISK } from "../../edge/operations/privacy.ts";
import { readRequest } from "../../edge/read_request.ts";
import { readJoins, readRisk } from "./risk_documents.ts";

/** The router of risk, behind the check of a token; lifting takes the admin token. */
export function adminRiskRoutes(service: Server): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get(SHOW_RISK.path, async function showRisk(c) {
      return c.json(await readRisk(service, service.appOf(c.req.param("app"))));
    })
    .get(SHOW_JOINS.path, async function showJoins(c) {
      const apps = [...service.deployment.applications.keys()];
      return c.json(await readJoins(service, apps.filter((app) => isTheirs(c.get("operator"), app))));
    })
    .post(LIFT_SUPPRESSION.path, async function liftStop(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const { body } = await readRequest(c, LIFT_SUPPRESSION);
      return c.json(await lift(service, c.get("operator"), { app, ...body }));
    });
}
