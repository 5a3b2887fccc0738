/**
 * The metrics of a service: names, labels and what they mean. Every label takes its values from a fixed set (routes,
 * codes, buckets), so that neither a client nor a stranger can make up a series or leave a mark in one.
 *
 * The same names stand in `/metrics`, in OpenTelemetry and in the store.
 *
 * @module
 */

/** How a fault came: a promise that nobody waited for, an error that nobody caught, a listener that ended, a job that failed. */
const FAULT_KINDS = ["rejection", "error", "listener", "job"] as const;

/** One of {@linkcode FAULT_KINDS}. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What is counted about an answer, a log or a commit. All of them only ever grow. */
export const METRICS = {
  requests: {
    name: "dit_requests_total",
    help: "Answered requests by route and outcome (ok, accepted, replayed, or the code of a refusal).",
    labels: ["route", "outcome"],
  },
  durations: {
    name: "dit_request_durations_total",
    help: "Answered requests by route and coarse duration.",
    labels: ["route", "duration"],
  },
  tokens: {
    name: "dit_tokens_issued_total",
    help: "Tokens that were signed.",
    labels: [],
  },
  events: {
    name: "dit_events_total",
    help: "Events of accepted logs by outcome (accepted, or the code of the rejection).",
    labels: ["outcome"],
  },
  uses: {
    name: "dit_token_uses_total",
    help: "Accepted logs by the number of the use that they claimed, the first being 1.",
    labels: ["use"],
  },
  commits: {
    name: "dit_commits_total",
    help: "Commits of the ledger by the number of claims in them and whether they went through.",
    labels: ["claims", "outcome"],
  },
  faults: {
    name: "dit_faults_total",
    help:
      "Errors that nothing caught, by kind (rejection, error, listener), and failed runs of jobs (job): each is a bug, or a machine or store out of means.",
    labels: ["kind"],
  },
} as const satisfies Record<string, { name: string; help: string; labels: readonly string[] }>;

/** How long requests on the operators' own routes took: the one histogram. */
export const DURATIONS = {
  name: "dit_request_duration_seconds",
  help: "Durations of requests on operators' routes (admin, console, metrics, health), in seconds.",
  /** Upper bounds of the buckets, in seconds; the last one has none. */
  bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
} as const;

/** The key of a metric in {@linkcode METRICS}. */
export type MetricKey = keyof typeof METRICS;

/** One counted series of an application: its metric and the values of its labels, joined by spaces. */
export type Series = string;

/** The series of a metric with label values, in the order of the metric's labels. */
export function seriesOf(metric: MetricKey, ...values: string[]): Series {
  return values.length === 0 ? metric : `${metric} ${values.join(" ")}`;
}

/**
 * The series of an application that stand there with 0 from the start: those that alerts ask for. A scraper takes the
 * first value of any other series for no growth, however high it is.
 */
export const EXPECTED_OF_APPS: readonly Series[] = [
  ...["accepted", "mac_invalid", "key_unknown", "use_taken", "pseudonym_mismatch"].map((code) =>
    seriesOf("requests", "logs", code)
  ),
  ...["ok", "session_invalid", "sessions_unavailable", "store_unavailable", "internal"]
    .map((code) => seriesOf("requests", "tokens", code)),
  ...["accepted", "event_unknown", "field_unknown", "field_missing", "field_invalid"]
    .map((code) => seriesOf("events", code)),
  seriesOf("tokens"),
];

/** The same of series that belong to no application. */
export const EXPECTED: readonly Series[] = [
  ...["admin", "console", "metrics"].map((route) => seriesOf("requests", route, "admin_token_invalid")),
  ...FAULT_KINDS.map((kind) => seriesOf("faults", kind)),
];

/** A series taken apart. */
export function parseSeries(series: Series): { metric: MetricKey; values: string[] } {
  const [metric, ...values] = series.split(" ");
  return { metric: metric as MetricKey, values };
}

/** Routes of operators: what happens there tells nothing about a client. */
const OPERATORS_ROUTES: ReadonlySet<string> = new Set(["admin", "metrics", "console", "health", "dev"]);
/** Outcomes of a token request that issued something. */
const ISSUED: ReadonlySet<string> = new Set(["ok", "replayed"]);

/** Whether a route is the operators' own, so that its durations may be told exactly and at once. */
export function isOperatorsRoute(route: string): boolean {
  return OPERATORS_ROUTES.has(route);
}

/**
 * Whether a series leaves the process by the hour only. That is what clients do anonymously, and issuance as well: the
 * client is known there, but the instant at which a token was issued is half of what links it to a log. A token request
 * that was refused issued nothing, and an operator has to hear of it at once, as of a fault.
 */
export function isHourly(series: Series): boolean {
  const { metric, values: [route = "", outcome = ""] } = parseSeries(series);
  if (metric === "faults") return false;
  if (metric !== "requests" && metric !== "durations") return true;
  if (isOperatorsRoute(route)) return false;
  return !(metric === "requests" && route === "tokens" && !ISSUED.has(outcome));
}

/** The bucket of a count: `1`, `2`, `3-4`, `5-8` and so on by powers of two. */
export function powerBucket(count: number): string {
  if (count <= 2) return String(count);
  const upper = 2 ** Math.ceil(Math.log2(count));
  return `${upper / 2 + 1}-${upper}`;
}
