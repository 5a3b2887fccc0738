import { assert, assertEquals } from "@std/assert";
import {
  EXPECTED,
  EXPECTED_OF_APPS,
  type MetricKey,
  METRICS,
  seriesOf,
} from "../../core/operations/metrics.ts";
import { PROBLEMS } from "../../edge/http/problem.ts";
import { ROUTE_KINDS } from "../../edge/strip.ts";
import { metricLabels, promtool, shippedPath, type Use, usesIn } from "./prometheus.ts";

const RULES = shippedPath("prometheus/rules.yml");
/** Minutes between two samples, and two evaluations. */
const STEP = 2;
/** Long before anything that a test does: what a gauge of a time tells that is 0, seen from today. */
const NEVER = -1e9;
const GIB = 2 ** 30;

type Value = (minute: number) => number;
type World = Readonly<Record<string, Value>>;

/** Tells by the hour what comes to so much in each, two minutes after its end. */
function hourly(each: number): Value {
  return (minute) => Math.max(0, Math.floor((minute - 2) / 60)) * each;
}

const requests = (route: string, outcome: string) =>
  `dit_requests_total{app="demo",route="${route}",outcome="${outcome}"}`;
const secondUp = 'dit_process_up{process="2"}';
const guessed = 'dit_requests_total{route="admin",outcome="admin_token_invalid"}';
const faults = 'dit_faults_total{kind="listener"}';
const events = (outcome: string) => `dit_events_total{app="demo",outcome="${outcome}"}`;
const expiry = 'dit_event_expiry_days{app="demo",event="app_opened"}';
const maintenance = 'dit_cron_success_time_seconds{cron="maintenance"}';
const releases = 'dit_cron_success_time_seconds{cron="releases"}';
const issuing = 'dit_issuing_key_end_days{app="demo"}';
const made = 'dit_made_keys_end_days{app="demo"}';
const toMidnight: Value = (minute) => minute === 0 ? 0 : 1 - (minute / 1_440) % 1;

/** A service that is started for the first time at minute 0, and does well. */
const WELL: World = {
  'up{job="dit"}': () => 1,
  dit_process_start_time_seconds: () => 0,
  dit_resident_memory_bytes: () => 3e8,
  dit_store_up: () => 1,
  [secondUp]: () => 1,
  // A start after an outage holds its clock for ten minutes.
  dit_time_held: (minute) => minute < 10 ? 1 : 0,
  dit_store_bytes: () => GIB,
  dit_store_free_bytes: () => 90 * GIB,
  dit_backup_time_seconds: (minute) => minute < 60 ? NEVER : 3_600,
  dit_waiting_logs: () => 3,
  dit_maintenance_time_seconds: (minute) => Math.floor(minute / 60) * 3_600,
  [maintenance]: (minute) => minute === 0 ? NEVER : Math.floor(minute / 60) * 3_600,
  [releases]: (minute) => minute < 80 ? NEVER : minute < 1_520 ? 80 * 60 : 1_520 * 60,
  [expiry]: (minute) => 100 - minute / 1_440,
  [issuing]: toMidnight,
  [made]: (minute) => minute === 0 ? 0 : toMidnight(minute) + 3,
  [requests("tokens", "ok")]: hourly(100),
  [requests("tokens", "session_invalid")]: (minute) => Math.floor(minute / 10),
  [requests("tokens", "sessions_unavailable")]: () => 0,
  [requests("tokens", "store_unavailable")]: () => 0,
  [requests("tokens", "internal")]: () => 0,
  [requests("logs", "accepted")]: hourly(5_000),
  [requests("logs", "mac_invalid")]: hourly(5),
  [requests("logs", "key_unknown")]: hourly(5),
  [requests("logs", "use_taken")]: () => 0,
  [events("accepted")]: hourly(20_000),
  [events("field_invalid")]: hourly(10),
  [faults]: () => 0,
  [guessed]: (minute) => Math.floor(minute / 60),
};

/** What goes wrong, in which minutes which alerts fire, and no others. */
interface Story {
  readonly name: string;
  readonly world: World;
  readonly firing: readonly (readonly [minute: number, alerts: readonly string[]])[];
}

/** From a minute on something else. */
const from = (start: number, before: Value, after: Value): Value => (minute) =>
  minute < start ? before(minute) : after(minute);
/** What `value` was at that minute, and stays. */
const stuck = (start: number, value: Value): Value => (minute) => value(Math.min(start, minute));
/** One series of the service that does well, differently. */
function but(series: string, change: (well: Value) => Value): World {
  const well = WELL[series];
  if (well === undefined) throw new TypeError(`There is no ${series} where all is well.`);
  return { ...WELL, [series]: change(well) };
}

const QUIET = [0, 2, 6, 30, 60, 62, 70, 130, 200, 240, 250, 400, 900, 1_442, 1_500, 1_700];
const STORIES: readonly Story[] = [
  { name: "a fresh start, and a day", world: WELL, firing: QUIET.map((minute) => [minute, []]) },
  {
    name: "a restart in the middle of an hour",
    world: Object.fromEntries(
      Object.entries(WELL).map(([series, value]) => [
        series,
        series.includes("_total") ? from(330, value, (minute) => value(minute) - value(329)) : value,
      ]),
    ),
    firing: [[334, []], [364, []], [400, []], [600, []]],
  },
  {
    name: "no process",
    world: but('up{job="dit"}', (well) => from(300, well, () => 0)),
    firing: [[298, []], [304, ["DitDown"]]],
  },
  {
    name: "no store",
    world: but("dit_store_up", (well) => from(300, well, () => 0)),
    firing: [[298, []], [304, ["DitStoreDown"]]],
  },
  {
    name: "one of two processes that is killed and comes again, and later hangs",
    world: but(secondUp, (well) => (minute) => minute === 200 || minute >= 300 ? 0 : well(minute)),
    firing: [[200, []], [202, []], [298, []], [306, ["DitProcessDown"]]],
  },
  {
    name: "a clock that leaps and is not confirmed",
    world: but("dit_time_held", (well) => from(300, well, () => 1)),
    firing: [[312, []], [318, ["DitTimeHeld"]]],
  },
  {
    name: "a disk that fills up",
    world: but("dit_store_free_bytes", (well) => from(300, well, () => 1.9 * GIB)),
    firing: [[304, []], [314, ["DitDiskFull"]]],
  },
  {
    name: "never a backup",
    world: but("dit_backup_time_seconds", () => () => NEVER),
    firing: [[1_400, []], [1_445, ["DitBackupOld"]]],
  },
  {
    name: "maintenance that does not go through any more",
    world: but(maintenance, (well) => stuck(300, well)),
    firing: [[470, []], [485, ["DitMaintenanceOverdue"]]],
  },
  {
    name: "maintenance that never went through",
    world: but(maintenance, () => () => NEVER),
    firing: [[170, []], [185, ["DitMaintenanceOverdue"]]],
  },
  {
    name: "releases that never went through",
    world: but(releases, () => () => NEVER),
    firing: [[1_500, []], [1_570, ["DitReleasesOverdue"]]],
  },
  {
    name: "no key",
    world: {
      ...but(issuing, (well) => from(300, well, () => 0)),
      [made]: from(300, WELL[made] ?? toMidnight, () => 0),
    },
    firing: [[298, []], [304, ["DitNoKey"]]],
  },
  {
    name: "no key for tomorrow",
    world: but(made, (well) => from(300, well, toMidnight)),
    firing: [[310, []], [318, ["DitNoNextKey"]]],
  },
  {
    name: "an event that ends in a month",
    world: but(expiry, () => (minute) => 30.25 - minute / 1_440),
    firing: [[300, []], [400, ["DitEventExpires"]]],
  },
  {
    name: "an event that ended a week ago",
    world: but(expiry, () => (minute) => -6.75 - minute / 1_440),
    firing: [[300, ["DitEventExpires"]], [400, []]],
  },
  {
    name: "logs that wait",
    world: but("dit_waiting_logs", (well) => from(300, well, () => 3_000)),
    firing: [[302, []], [308, ["DitWaiting"]]],
  },
  {
    name: "memory that grows",
    world: but("dit_resident_memory_bytes", (well) => from(300, well, () => 2e9)),
    firing: [[320, []], [334, ["DitMemory"]]],
  },
  {
    name: "a key set that cannot be read",
    world: but(requests("tokens", "sessions_unavailable"), (well) => from(300, well, () => 30)),
    firing: [[298, []], [306, ["DitTokensFail"]], [316, []]],
  },
  {
    name: "a session key that was changed on one side",
    world: {
      ...but(requests("tokens", "ok"), (well) => stuck(300, well)),
      [requests("tokens", "session_invalid")]: (minute) => 2 * minute,
    },
    // Two hundred are refused in each hour that a hundred sign in.
    firing: [[60, []], [600, ["DitSessionsRefused"]]],
  },
  {
    name: "no logs any more",
    world: {
      ...but(requests("logs", "accepted"), (well) => stuck(300, well)),
      [requests("logs", "mac_invalid")]: () => 0,
      [requests("logs", "key_unknown")]: () => 0,
    },
    firing: [[400, []], [490, ["DitNoLogs"]]],
  },
  {
    name: "never a log",
    world: {
      ...but(requests("logs", "accepted"), () => () => 0),
      [requests("logs", "mac_invalid")]: () => 0,
      [requests("logs", "key_unknown")]: () => 0,
    },
    firing: [[1, []], [60, []], [200, []], [239, []], [245, ["DitNoLogs"]]],
  },
  {
    name: "forged logs",
    world: but(requests("logs", "mac_invalid"), () => hourly(400)),
    firing: [[61, []], [300, ["DitForgedLogs"]]],
  },
  {
    name: "an app that does not fit its schema",
    world: but(events("field_invalid"), () => hourly(400)),
    firing: [[61, []], [300, ["DitEventsRejected"]]],
  },
  {
    name: "a socket that ended",
    world: but(faults, (well) => from(300, well, () => 1)),
    firing: [[298, []], [306, ["DitFault"]], [316, []]],
  },
  {
    name: "tokens of operators that are tried",
    world: but(guessed, (well) => from(300, well, () => 100)),
    firing: [[298, []], [306, ["DitOperatorsGuessed"]], [316, []]],
  },
];

/** A story as promtool's unit tests have it: JSON is YAML. */
function unitTestOf({ name, world, firing }: Story) {
  const last = Math.max(...firing.map(([minute]) => minute));
  const minutes = Array.from({ length: last / STEP + 1 }, (_, step) => step * STEP);
  return {
    name,
    interval: `${STEP}m`,
    input_series: Object.entries(world).map(([series, value]) => ({
      series,
      values: minutes.map(value).join(" "),
    })),
    promql_expr_test: firing.map(([minute, alerts]) => ({
      expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
      eval_time: `${minute}m`,
      exp_samples: alerts.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
    })),
  };
}

Deno.test("the shipped files for Prometheus are valid", async () => {
  const rules = await promtool("check", "rules", RULES);
  if (rules === undefined) return;
  assertEquals(rules.code, 0, rules.output);
  const scrape = await promtool("check", "config", "--syntax-only", shippedPath("prometheus/prometheus.yml"));
  assertEquals(scrape?.code, 0, scrape?.output);
});

Deno.test("every alert fires when it should and not otherwise, not at a fresh start either", async () => {
  const text = await Deno.readTextFile(RULES);
  const alerts = [...text.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const fired = new Set(STORIES.flatMap(({ firing }) => firing.flatMap(([, names]) => names)));
  assertEquals([...fired].toSorted(), alerts.toSorted(), "alerts that fire in a story");
  for (const { name } of usesIn(text)) {
    assert(
      Object.keys(WELL).some((series) => series.startsWith(name)),
      `${name} is missing where all is well`,
    );
  }
  const file = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    const tests = { rule_files: [RULES], evaluation_interval: `${STEP}m`, tests: STORIES.map(unitTestOf) };
    await Deno.writeTextFile(file, JSON.stringify(tests));
    const done = await promtool("test", "rules", file);
    if (done === undefined) return;
    assertEquals(done.code, 0, done.output);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("alerts ask for metrics, routes and outcomes that there are, which stand there from the start", async () => {
  const uses = usesIn((await Deno.readTextFile(RULES)).replaceAll(/^ *#.*$/gm, ""));
  assert(uses.length > 20);
  const labels = metricLabels();
  const outcomes = new Set([
    ...Object.keys(PROBLEMS),
    ...["ok", "accepted", "replayed", "event_unknown", "field_unknown", "field_missing", "field_invalid"],
  ]);
  const routes = new Set(ROUTE_KINDS.map(({ name }) => name));
  for (const { name, matchers } of uses) {
    assert(labels.has(name), name);
    for (const [label, values] of matchers) {
      assert(labels.get(name)?.includes(label), `${name} has no label ${label}`);
      const known = label === "route"
        ? routes
        : label === "outcome"
        ? outcomes
        : new Set(["maintenance", "releases"]);
      for (const value of values) assert(known.has(value), `${label} is never ${value}`);
    }
  }
  const expected = new Set([...EXPECTED, ...EXPECTED_OF_APPS]);
  for (const use of uses) {
    for (const series of seriesAskedFor(use)) assert(expected.has(series), `${series} comes out of nothing`);
  }
});

/** The series of counters that an alert adds up the growth of. */
function seriesAskedFor({ name, matchers }: Use): string[] {
  const [metric] = Object.entries(METRICS).find(([, metric]) => metric.name === name) ?? [];
  const valuesOf = (label: string) => matchers.find(([own]) => own === label)?.[1];
  const values = valuesOf("outcome");
  if (metric === undefined || values === undefined) return [];
  const routes = valuesOf("route") ?? (metric === "requests" ? ["admin", "console", "metrics"] : [undefined]);
  return routes.flatMap((route) =>
    values.map((value) => seriesOf(metric as MetricKey, ...route === undefined ? [value] : [route, value]))
  );
}
