/**
 * `GET /metrics`: this process's counters in Prometheus's text format. Whatever clients do anonymously stands there as
 * of the last full hour, since a scraper writes down what it sees and when.
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
  return new Hono().get(SHOW_METRICS.path, function serveMetrics(c) {
    const text = prometheusText(service.counters.exported(), readGauges(service));
    return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}
