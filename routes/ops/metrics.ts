/**
 * `GET /metrics`: the counters of the processes on this port in Prometheus's text format. Whatever clients do anonymously, and
 * issuance, stands there as of the last full hour, since a scraper writes down what it sees and when.
 *
 * @module
 */
import { Hono } from "hono";
import { readExposition } from "../../core/operations/exposition.ts";
import { type Exposition, expositionText } from "../../core/operations/prometheus.ts";
import { toldOf } from "../../core/operations/siblings.ts";
import type { Server } from "../../core/service.ts";
import { SHOW_METRICS } from "../../edge/operations/ops.ts";

/** The router of metrics, behind the check of the admin token. */
export function metricsRoutes(service: Server): Hono {
  return new Hono().get(SHOW_METRICS.path, async function serveMetrics(c) {
    return c.body(expositionText(await readAll(service)), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
}

/** Each process's own, by its name; one that has no siblings has none. */
async function readAll(service: Server): Promise<ReadonlyMap<string, Exposition | undefined>> {
  const { siblings } = service;
  if (siblings === undefined) return new Map([["", await readExposition(service)]]);
  const [own, others] = await Promise.all([readExposition(service), siblings.ask("metrics")]);
  const told = toldOf(others);
  const all = [siblings.process, ...others.keys()].sort((a, b) => Number(a) - Number(b));
  return new Map(all.map((process) => [process, process === siblings.process ? own : told.get(process)]));
}
