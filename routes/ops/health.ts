/**
 * `/healthz` (the process runs) and `/readyz` (it can do its work).
 *
 * @module
 */
import { Hono } from "hono";
import type { Server } from "../../core/service.ts";
import { PROBES } from "../../core/operations/families.ts";
import { StoreUnavailable } from "../../core/store/breaker.ts";
import { IS_ALIVE, IS_READY } from "../../edge/operations/ops.ts";

/** The router of health checks of a program of this version. */
export function healthRoutes(service: Server, version: string): Hono {
  return new Hono()
    .get(IS_ALIVE.path, (c) => c.json({ status: "ok", version }, 200, { "cache-control": "no-store" }))
    .get(IS_READY.path, async function checkReady(c) {
      await service.store.get(PROBES.key());
      // Whether it takes writes again is tried beside the requests: whoever asks here causes none.
      if (service.store.writes.failing) throw new StoreUnavailable("failed");
      for (const app of service.deployment.applications.values()) {
        await service.issuer.ready(app, service.now());
      }
      return c.json({ status: "ready" }, 200, { "cache-control": "no-store" });
    });
}
