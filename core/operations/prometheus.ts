/**
 * Counters and gauges in Prometheus's text format, version 0.0.4.
 *
 * @module
 */
import type { AppCounts } from "./counters.ts";
import { METRICS, parseSeries, type Series } from "./metrics.ts";

/** A value that goes up and down. */
export interface Gauge {
  /** The metric's name. */
  readonly name: string;
  /** What it means, in one line. */
  readonly help: string;
  /** Its value now. */
  readonly value: number;
}

/** The labels of a series with their names; `app` is left out for what belongs to no application. */
export function labelsOf(app: string, series: Series): Record<string, string> {
  const { metric, values } = parseSeries(series);
  const labels: Record<string, string> = app === "" ? {} : { app };
  for (const [index, label] of METRICS[metric].labels.entries()) labels[label] = values[index] ?? "";
  return labels;
}

/** Writes all metrics; each metric's help and type stand even while nothing has been counted. */
export function prometheusText(counts: AppCounts, gauges: readonly Gauge[]): string {
  const lines: string[] = [];
  for (const [metric, { name, help }] of Object.entries(METRICS)) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
    for (const [app, ofApp] of counts) {
      for (const [series, count] of ofApp) {
        if (parseSeries(series).metric !== metric) continue;
        lines.push(`${name}${formatLabels(labelsOf(app, series))} ${count}`);
      }
    }
  }
  for (const { name, help, value } of gauges) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
  }
  return lines.join("\n") + "\n";
}

function formatLabels(labels: Record<string, string>): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  return `{${entries.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
