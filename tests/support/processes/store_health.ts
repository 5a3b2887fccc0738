/**
 * What a running service says of its store to a load balancer and to a scraper.
 *
 * @module
 */
import type { RunningService } from "./running_service.ts";
import { callAdmin } from "./spawned_service.ts";

/** The status of `/readyz`. */
export async function readiness(service: RunningService): Promise<number> {
  const response = await fetch(`${service.url}/readyz`);
  await response.body?.cancel();
  return response.status;
}

/** The gauge `dit_store_up`. */
export async function storeUp(service: RunningService): Promise<number> {
  const text = await (await callAdmin(service, "/metrics")).text();
  return Number(/^dit_store_up ([01])$/m.exec(text)?.[1]);
}
