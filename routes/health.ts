/**
 * `/healthz` (the process runs) and `/readyz` (it can do its work).
 *
 * @module
 */
import { Hono } from "hono";
import type { Service } from "../core/service.ts";
import { keySpace } from "../core/store/kv.ts";

/** The router of health checks. */
export function healthRoutes(service: Service): Hono {
  return new Hono()
    .get("/healthz", (c) => c.json({ status: "ok" }, 200, { "cache-control": "no-store" }))
    .get("/readyz", async function checkReady(c) {
      await service.store.get(keySpace.probe());
      for (const id of service.deployment.applications.keys()) {
        await service.ringOf(id).issuing(service.now());
      }
      return c.json({ status: "ready" }, 200, { "cache-control": "no-store" });
    });
}
