/**
 * The operators' route to the clock: `POST /admin/v1/time/confirm`.
 *
 * @module
 */
import { Hono } from "hono";
import { confirmTime } from "../../core/operations/actions/confirm_time.ts";
import type { Server } from "../../core/service.ts";
import type { OperatorEnv } from "../../edge/auth/operator.ts";
import { CONFIRM_TIME } from "../../edge/operations/operators.ts";
import { readRequest } from "../../edge/read_request.ts";

/** The router of the clock, behind the check of a token; it takes the admin token. */
export function adminTimeRoutes(service: Server): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .post(CONFIRM_TIME.path, async function confirmClock(c) {
      const { body } = await readRequest(c, CONFIRM_TIME);
      return c.json(await confirmTime(service, c.get("operator"), body));
    });
}
