/**
 * Counters and gauges in Prometheus's text format, version 0.0.4.
 *
 * @module
 */
import type { AppCounts } from "./counters.ts";
import type { Histogram } from "./histogram.ts";
import { DURATIONS, METRICS, parseSeries, type Series } from "./metrics.ts";

/** A value that goes up and down. */
export interface Gauge {
  /** The metric's name. */
  readonly name: string;
  /** What it means, in one line. */
  readonly help: string;
  /** Its values now, by its labels. */
  readonly samples: readonly Sample[];
}

/** A value with its labels. */
export interface Sample {
  /** Values of labels by their names. */
  readonly labels: Readonly<Record<string, string>>;
  /** The value. */
  readonly value: number;
}

/** All that a process tells. */
export interface Exposition {
  /** The counters. */
  readonly counts: AppCounts;
  /** The durations on operators' routes. */
  readonly durations: Histogram;
  /** The gauges. */
  readonly gauges: readonly Gauge[];
}

/** The labels of a series with their names; `app` is left out for what belongs to no application. */
export function labelsOf(app: string, series: Series): Record<string, string> {
  const { metric, values } = parseSeries(series);
  const labels: Record<string, string> = app === "" ? {} : { app };
  for (const [index, label] of METRICS[metric].labels.entries()) labels[label] = values[index] ?? "";
  return labels;
}

/** Writes all metrics; each metric's help and type stand even while nothing has been counted. */
export function prometheusText({ counts, durations, gauges }: Exposition): string {
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
  lines.push(...histogramLines(durations));
  for (const { name, help, samples } of gauges) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
    for (const { labels, value } of samples) lines.push(`${name}${formatLabels(labels)} ${value}`);
  }
  return lines.join("\n") + "\n";
}

function histogramLines({ bounds, routes }: Histogram): string[] {
  const { name, help } = DURATIONS;
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const [route, { atMost, sum, count }] of routes) {
    const buckets = [...bounds.map((bound, index) => [`${bound}`, atMost[index] ?? 0] as const), [
      "+Inf",
      count,
    ]];
    for (const [le, value] of buckets) {
      lines.push(`${name}_bucket${formatLabels({ route, le: `${le}` })} ${value}`);
    }
    lines.push(
      `${name}_sum${formatLabels({ route })} ${sum}`,
      `${name}_count${formatLabels({ route })} ${count}`,
    );
  }
  return lines;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  return `{${entries.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
