/**
 * The counters through OpenTelemetry, under the names that `/metrics` has. Deno itself is the SDK: with
 * `OTEL_DENO=true` it exports what is registered here, and without it nothing happens.
 *
 * @module
 */
import { metrics } from "@opentelemetry/api";
import { GAUGES, readGauges } from "../core/operations/gauges.ts";
import { DURATIONS, METRICS, parseSeries } from "../core/operations/metrics.ts";
import { labelsOf } from "../core/operations/prometheus.ts";
import type { Server } from "../core/service.ts";

/** Registers all metrics of a service; they are read when an exporter asks. `own` are labels of this process. */
export function registerMetrics(service: Server, own: Readonly<Record<string, string>> = {}): void {
  const meter = metrics.getMeter("dit");
  for (const [metric, { name, help }] of Object.entries(METRICS)) {
    meter.createObservableCounter(name, { description: help }).addCallback((result) => {
      for (const [app, counts] of service.counters.exported()) {
        for (const [series, count] of counts) {
          if (parseSeries(series).metric === metric) {
            result.observe(count, { ...own, ...labelsOf(app, series) });
          }
        }
      }
    });
  }
  const durations = meter.createHistogram(DURATIONS.name, {
    description: DURATIONS.help,
    unit: "s",
    advice: { explicitBucketBoundaries: [...DURATIONS.bounds] },
  });
  service.counters.durations.listen((route, seconds) => durations.record(seconds, { ...own, route }));
  for (const { name, help } of Object.values(GAUGES)) {
    meter.createObservableGauge(name, { description: help }).addCallback((result) => {
      // Nobody waits for it: what is read now is exported the next time.
      if (name === GAUGES.started.name) service.standing.refresh();
      const gauge = readGauges(service).find((gauge) => gauge.name === name);
      for (const { labels, value } of gauge?.samples ?? []) result.observe(value, { ...own, ...labels });
    });
  }
}
