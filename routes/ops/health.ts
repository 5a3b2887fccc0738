/**
 * `/healthz` (the process runs) and `/readyz` (it can do its work).
 *
 * @module
 */
import { Hono } from "hono";
import type { Server } from "../../core/service.ts";
import { requireAllReady } from "../../core/operations/readiness.ts";
import { IS_ALIVE, IS_READY } from "../../edge/operations/ops.ts";

/** The router of health checks of a program of this version. */
export function healthRoutes(service: Server, version: string): Hono {
  return new Hono()
    .get(IS_ALIVE.path, (c) => c.json({ status: "ok", version }, 200, { "cache-control": "no-store" }))
    .get(IS_READY.path, async function checkReady(c) {
      const processes = await requireAllReady(service);
      return c.json({ status: "ready", processes }, 200, { "cache-control": "no-store" });
    });
}
