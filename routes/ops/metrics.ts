/**
 * `GET /metrics`: this process's counters in Prometheus's text format. Whatever clients do anonymously, and
 * issuance, stands there as of the last full hour, since a scraper writes down what it sees and when.
 *
 * @module
 */
import { Hono } from "hono";
import { readGauges } from "../../core/operations/gauges.ts";
import { prometheusText } from "../../core/operations/prometheus.ts";
import type { Server } from "../../core/service.ts";
import { SHOW_METRICS } from "../../edge/operations/ops.ts";

/** The router of metrics, behind the check of the admin token. */
export function metricsRoutes(service: Server): Hono {
  return new Hono().get(SHOW_METRICS.path, async function serveMetrics(c) {
    await service.standing.refresh();
    const { counters } = service;
    const text = prometheusText({
      counts: counters.exported(),
      durations: counters.durations,
      gauges: readGauges(service),
    });
    return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}
