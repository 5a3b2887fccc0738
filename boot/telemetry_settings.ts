/**
 * What of OpenTelemetry may leave. Deno itself is its SDK, and exports more than this service registers:
 *
 * - a span for every request, before any of our code runs: the exact time of each log, one by one. Spans are off.
 * - `http.server.request.duration` by method and status, which tells logs from the rest. It cannot be switched off apart
 *   from our own metrics, so all are exported by the hour, as `/metrics` tells what clients do anonymously.
 *
 * @module
 */

/** An hour: shorter intervals tell how many logs came in which minute. */
const MIN_INTERVAL_MS = 3_600_000;

/** What is set where the environment says nothing. */
export const TELEMETRY_DEFAULTS: Readonly<Record<string, string>> = {
  OTEL_DENO_TRACING: "false",
  OTEL_METRIC_EXPORT_INTERVAL: `${MIN_INTERVAL_MS}`,
  OTEL_SERVICE_NAME: "dit",
  // Deno's own patience at the end of a process is longer than what a deployment is given.
  OTEL_EXPORTER_OTLP_TIMEOUT: "1000",
};

/** The variables of a service's process: the defaults that the environment does not replace, and what it may not. */
export function telemetryVariables(get: (name: string) => string | undefined): Record<string, string> {
  const chosen = Object.entries(TELEMETRY_DEFAULTS).map(([name, value]) => [name, get(name) ?? value]);
  // An incoming `traceparent` would become the id of a trace that is exported.
  return { ...Object.fromEntries(chosen), OTEL_PROPAGATORS: "none" };
}

/** Adds a sentence for whatever would tell more than `/metrics`. `get` gives what Deno gets. */
export function checkTelemetry(get: (name: string) => string | undefined, mistakes: string[]): void {
  // Deno takes these words in any case, and passes over every other.
  const read = (name: string) => {
    const value = get(name)?.toLowerCase();
    return value === "true" ? true : value === "false" ? false : undefined;
  };
  if (read("OTEL_SDK_DISABLED") === true) return;
  const all = read("OTEL_DENO") ?? false;
  // `parentbased_always_off` is off until a request says otherwise.
  if ((read("OTEL_DENO_TRACING") ?? all) && get("OTEL_TRACES_SAMPLER") !== "always_off") {
    mistakes.push(
      "Set OTEL_DENO_TRACING to false: spans tell the exact time of every log, one by one.",
    );
  }
  const interval = Number(get("OTEL_METRIC_EXPORT_INTERVAL") ?? 60_000);
  if ((read("OTEL_DENO_METRICS") ?? all) && !(interval >= MIN_INTERVAL_MS)) {
    mistakes.push(
      `Set OTEL_METRIC_EXPORT_INTERVAL to ${MIN_INTERVAL_MS} or more: Deno's own metrics tell how many logs came in each interval. Scrape /metrics for what changes faster.`,
    );
  }
}
