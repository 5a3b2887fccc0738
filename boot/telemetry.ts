/**
 * The counters through OpenTelemetry, under the names that `/metrics` has. Deno itself is the SDK: with
 * `OTEL_DENO=true` it exports what is registered here, and without it nothing happens.
 *
 * @module
 */
import { metrics } from "@opentelemetry/api";
import type { AppCounts } from "../core/operations/counters.ts";
import { METRICS, parseSeries } from "../core/operations/metrics.ts";
import { type Gauge, labelsOf } from "../core/operations/prometheus.ts";

/** Registers all metrics; `read` gives what they stand at when an exporter asks. */
export function registerMetrics(read: { counts: () => AppCounts; gauges: () => readonly Gauge[] }): void {
  const meter = metrics.getMeter("dit");
  for (const [metric, { name, help }] of Object.entries(METRICS)) {
    meter.createObservableCounter(name, { description: help }).addCallback((result) => {
      for (const [app, counts] of read.counts()) {
        for (const [series, count] of counts) {
          if (parseSeries(series).metric === metric) result.observe(count, labelsOf(app, series));
        }
      }
    });
  }
  for (const { name, help } of read.gauges()) {
    meter.createObservableGauge(name, { description: help }).addCallback((result) => {
      const gauge = read.gauges().find((gauge) => gauge.name === name);
      if (gauge !== undefined) result.observe(gauge.value);
    });
  }
}
