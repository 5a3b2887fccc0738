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
  readonly durations: Pick<Histogram, "bounds" | "routes">;
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

/** Whether each of several processes on one port told its metrics. */
export const PROCESS_UP = {
  name: "dit_process_up",
  help: "1 for each process on this port that told its metrics, 0 for one that is away or does not answer.",
};

/**
 * Writes all metrics; each metric's help and type stand even while nothing has been counted. Of several processes each
 * sample has the label `process`, by which they add up: where one starts anew, its own series begin anew, and no sum seems
 * to fall. Of a process that did not tell, nothing is known; `""` has no label.
 */
export function expositionText(processes: ReadonlyMap<string, Exposition | undefined>): string {
  const told = [...processes].flatMap(([process, exposition]) =>
    exposition === undefined ? [] : [{ own: process === "" ? {} : { process }, ...exposition }]
  );
  const lines: string[] = [];
  for (const [metric, { name, help }] of Object.entries(METRICS)) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
    for (const { own, counts } of told) {
      for (const [app, ofApp] of counts) {
        for (const [series, count] of ofApp) {
          if (parseSeries(series).metric !== metric) continue;
          lines.push(`${name}${formatLabels({ ...own, ...labelsOf(app, series) })} ${count}`);
        }
      }
    }
  }
  lines.push(`# HELP ${DURATIONS.name} ${DURATIONS.help}`, `# TYPE ${DURATIONS.name} histogram`);
  for (const { own, durations } of told) lines.push(...histogramLines(durations, own));
  const gauges = new Map(told.flatMap(({ gauges }) => gauges.map(({ name, help }) => [name, help])));
  for (const [gauge, help] of gauges) {
    lines.push(`# HELP ${gauge} ${help}`, `# TYPE ${gauge} gauge`);
    for (const { own, gauges } of told) {
      const samples = gauges.find(({ name }) => name === gauge)?.samples ?? [];
      for (const { labels, value } of samples) {
        lines.push(`${gauge}${formatLabels({ ...own, ...labels })} ${value}`);
      }
    }
  }
  if (!processes.has("")) lines.push(...upLines(processes));
  return lines.join("\n") + "\n";
}

function upLines(processes: ReadonlyMap<string, Exposition | undefined>): string[] {
  const { name, help } = PROCESS_UP;
  const samples = [...processes].map(([process, exposition]) =>
    `${name}${formatLabels({ process })} ${exposition === undefined ? 0 : 1}`
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples];
}

function histogramLines(
  { bounds, routes }: Exposition["durations"],
  own: Readonly<Record<string, string>>,
): string[] {
  const { name } = DURATIONS;
  const lines: string[] = [];
  for (const [route, { atMost, sum, count }] of routes) {
    const buckets = [...bounds.map((bound, index) => [`${bound}`, atMost[index] ?? 0] as const), [
      "+Inf",
      count,
    ]];
    for (const [le, value] of buckets) {
      lines.push(`${name}_bucket${formatLabels({ ...own, route, le: `${le}` })} ${value}`);
    }
    lines.push(
      `${name}_sum${formatLabels({ ...own, route })} ${sum}`,
      `${name}_count${formatLabels({ ...own, route })} ${count}`,
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
