/**
 * The shipped files for Prometheus, and its own checker for them, as Debian packages it.
 *
 * @module
 */
import { DURATIONS, METRICS } from "../../core/operations/metrics.ts";
import { GAUGES } from "../../core/operations/gauges.ts";
import { PROCESS_UP } from "../../core/operations/prometheus.ts";
import { run } from "./programs.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);

/** The path of a shipped file. */
export function shippedPath(path: string): string {
  return new URL(path, DEPLOY).pathname;
}

/** Runs promtool; undefined where there is none, which is said. */
export function promtool(...args: string[]): Promise<{ code: number; output: string } | undefined> {
  return run("promtool", ...args);
}

/** The labels of everything that `/metrics` tells, by the names that queries use. */
export function metricLabels(): ReadonlyMap<string, readonly string[]> {
  const counters = Object.values(METRICS).map(({ name, labels }) => [name, ["app", ...labels]] as const);
  const gauges = Object.values(GAUGES).map((gauge) =>
    [gauge.name, "labels" in gauge ? gauge.labels : []] as const
  );
  const parts = [["_bucket", ["route", "le"]], ["_sum", ["route"]], ["_count", ["route"]]] as const;
  const histogram = parts.map(([ending, labels]) => [DURATIONS.name + ending, labels] as const);
  return new Map<string, readonly string[]>([...counters, ...gauges, ...histogram, [PROCESS_UP.name, [
    "process",
  ]]]);
}

/** A use of a metric in a query. */
export interface Use {
  readonly name: string;
  /** Label, and the values that it is compared with. */
  readonly matchers: readonly (readonly [label: string, values: readonly string[]])[];
}

/** The uses of the service's metrics in queries. */
export function usesIn(queries: string): Use[] {
  return [...queries.matchAll(/\b(dit_\w+)(?:\{(.*?)\})?/g)].map(([, name = "", selector = ""]) => ({
    name,
    matchers: [...selector.matchAll(/(\w+)=~?"(.*?)"/g)]
      .map(([, label = "", values = ""]) => [label, values.split("|")] as const),
  }));
}
