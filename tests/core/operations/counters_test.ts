import { assertEquals } from "@std/assert";
import { Counters, LIVE_MINUTES, sumCounts, sumOf } from "../../../core/operations/counters.ts";
import {
  isAnonymous,
  METRICS,
  parseSeries,
  powerBucket,
  seriesOf,
} from "../../../core/operations/metrics.ts";

const HOUR = 500_000;

function countersAt(seconds = HOUR * 3_600) {
  const clock = { now: seconds };
  return { clock, counters: new Counters(() => clock.now) };
}

const accepted = { route: "logs", app: "demo", outcome: "accepted", duration: "<10ms" };

Deno.test("Counters adds up per application, and under none what belongs to none", () => {
  const { counters } = countersAt();
  counters.answered(accepted);
  counters.answered({ ...accepted, outcome: "mac_invalid" });
  counters.answered({ ...accepted, app: undefined, outcome: "app_unknown" });
  counters.issued("demo", 4);
  counters.logged("demo", 2, 3, ["field_unknown", "field_unknown"]);
  counters.committed(7, true);
  counters.committed(1, false);
  const totals = counters.totals();
  assertEquals(Object.fromEntries(totals.get("demo")!), {
    "requests logs accepted": 1,
    "requests logs mac_invalid": 1,
    "durations logs <10ms": 2,
    "tokens": 4,
    "uses 3-4": 1,
    "events accepted": 3,
    "events field_unknown": 2,
  });
  assertEquals(Object.fromEntries(totals.get("")!), {
    "requests logs app_unknown": 1,
    "durations logs <10ms": 1,
    "commits 5-8 ok": 1,
    "commits 1 failed": 1,
  });
  assertEquals(sumOf(totals.get("demo"), "requests", "logs"), 2);
  assertEquals(sumOf(totals.get("demo"), "requests", undefined, "mac_invalid"), 1);
  assertEquals(sumOf(totals.get("absent"), "requests"), 0);
});

Deno.test("Counters keeps minutes in memory for an hour only", () => {
  const { clock, counters } = countersAt();
  counters.answered(accepted);
  clock.now += 60;
  counters.answered(accepted);
  assertEquals([...counters.minutes().keys()], [HOUR * 60, HOUR * 60 + 1]);
  clock.now = HOUR * 3_600 + LIVE_MINUTES * 60;
  assertEquals([...counters.minutes().keys()], [HOUR * 60 + 1]);
  clock.now += 60;
  assertEquals(counters.minutes().size, 0);
  assertEquals(sumOf(counters.totals().get("demo"), "requests"), 2);
});

Deno.test("Counters.exported() tells of anonymous clients by the full hour only", () => {
  const { clock, counters } = countersAt();
  const shown = () => {
    const counts = counters.exported().get("demo");
    return [sumOf(counts, "requests", "logs"), sumOf(counts, "tokens"), sumOf(counts, "uses")];
  };
  counters.answered(accepted);
  counters.logged("demo", 0, 1, []);
  counters.issued("demo", 2);
  assertEquals(shown(), [0, 2, 0]);
  clock.now += 3_599;
  counters.answered(accepted);
  assertEquals(shown(), [0, 2, 0]);
  clock.now += 1;
  assertEquals(shown(), [2, 2, 1]);
  counters.answered(accepted);
  counters.issued("demo", 1);
  assertEquals(shown(), [2, 3, 1]);
  clock.now += 3_600;
  assertEquals(shown(), [3, 3, 1]);
});

Deno.test("Counters.forgetHour() keeps the hour that is still counted", () => {
  const { clock, counters } = countersAt();
  counters.answered(accepted);
  counters.forgetHour(HOUR);
  assertEquals([...counters.hours().keys()], [HOUR]);
  clock.now += 3_600;
  counters.forgetHour(HOUR);
  assertEquals(counters.hours().size, 0);
});

Deno.test("Counters holds two days of hours when the store never takes them", () => {
  const { clock, counters } = countersAt();
  for (let hour = 0; hour < 200; hour++) {
    counters.answered(accepted);
    clock.now += 3_600;
  }
  assertEquals(counters.hours().size, 48);
  assertEquals(Math.max(...counters.hours().keys()), HOUR + 199);
});

Deno.test("sumCounts() adds applications and series up", () => {
  const one = new Map([["demo", new Map([["tokens", 1], ["events accepted", 2]])]]);
  const other = new Map([["demo", new Map([["tokens", 3]])], ["", new Map([["commits 1 ok", 1]])]]);
  const sum = sumCounts([one, other]);
  assertEquals(Object.fromEntries(sum.get("demo")!), { "tokens": 4, "events accepted": 2 });
  assertEquals(Object.fromEntries(sum.get("")!), { "commits 1 ok": 1 });
});

Deno.test("powerBucket() covers every count once", () => {
  const buckets = new Map<string, number>();
  for (let count = 1; count <= 1_024; count++) {
    buckets.set(powerBucket(count), (buckets.get(powerBucket(count)) ?? 0) + 1);
  }
  assertEquals([...buckets], [
    ["1", 1],
    ["2", 1],
    ["3-4", 2],
    ["5-8", 4],
    ["9-16", 8],
    ["17-32", 16],
    ["33-64", 32],
    ["65-128", 64],
    ["129-256", 128],
    ["257-512", 256],
    ["513-1024", 512],
  ]);
});

Deno.test("isAnonymous() counts whatever a client does without saying who it is", () => {
  for (const route of ["logs", "keys", "schema", "unknown"]) {
    assertEquals(isAnonymous(seriesOf("requests", route, "ok")), true, route);
    assertEquals(isAnonymous(seriesOf("durations", route, "<10ms")), true, route);
  }
  for (const route of ["tokens", "admin", "console", "health"]) {
    assertEquals(isAnonymous(seriesOf("requests", route, "ok")), false, route);
  }
  for (const metric of ["events", "uses", "commits"] as const) {
    assertEquals(isAnonymous(seriesOf(metric, "1", "ok")), true, metric);
  }
  assertEquals(isAnonymous(seriesOf("tokens")), false);
});

Deno.test("seriesOf() is undone by parseSeries()", () => {
  for (const [metric, { labels }] of Object.entries(METRICS)) {
    const values = labels.map((label) => `some_${label}`);
    assertEquals(parseSeries(seriesOf(metric as keyof typeof METRICS, ...values)), {
      metric: metric as keyof typeof METRICS,
      values,
    });
  }
});
