/**
 * `/healthz` (the process runs) and `/readyz` (it can do its work).
 *
 * @module
 */
import { Hono } from "hono";
import type { Server } from "../core/service.ts";
import { keySpace } from "../core/store/kv.ts";

/** The router of health checks. */
export function healthRoutes(service: Server): Hono {
  return new Hono()
    .get("/healthz", (c) => c.json({ status: "ok" }, 200, { "cache-control": "no-store" }))
    .get("/readyz", async function checkReady(c) {
      await service.store.get(keySpace.probe());
      for (const app of service.deployment.applications.values()) {
        await service.issuer.ready(app, service.now());
      }
      return c.json({ status: "ready" }, 200, { "cache-control": "no-store" });
    });
}
