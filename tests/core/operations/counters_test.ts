import { assert, assertEquals } from "@std/assert";
import { Counters, LIVE_MINUTES, sumCounts, sumOf } from "../../../core/operations/counters.ts";
import {
  EXPECTED_OF_APPS,
  isHourly,
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

Deno.test("Counters.exported() tells of clients and issuance by hours that were told only", () => {
  const { clock, counters } = countersAt();
  const shown = () => {
    const counts = counters.exported().get("demo");
    return {
      logs: sumOf(counts, "requests", "logs"),
      issued: sumOf(counts, "requests", "tokens", "ok"),
      refused: sumOf(counts, "requests", "tokens", "session_invalid"),
      tokens: sumOf(counts, "tokens"),
      uses: sumOf(counts, "uses"),
    };
  };
  const count = () => {
    counters.answered(accepted);
    counters.answered({ ...accepted, route: "tokens", outcome: "ok" });
    counters.answered({ ...accepted, route: "tokens", outcome: "session_invalid" });
    counters.logged("demo", 0, 1, []);
    counters.issued("demo", 2);
  };
  count();
  assertEquals(shown(), { logs: 0, issued: 0, refused: 1, tokens: 0, uses: 0 });
  assertEquals(counters.untoldHours(HOUR), []);
  clock.now += 3_600;
  assert(counters.exported().get("demo")!.has("uses 1"), "a series stands there with 0 before it is told");
  count();
  assertEquals(counters.untoldHours(HOUR + 1), [HOUR]);
  assertEquals(shown(), { logs: 0, issued: 0, refused: 2, tokens: 0, uses: 0 });
  counters.tellHour(HOUR);
  counters.tellHour(HOUR);
  assertEquals(shown(), { logs: 1, issued: 1, refused: 2, tokens: 2, uses: 1 });
  counters.leaveHour(HOUR + 1);
  counters.tellHour(HOUR + 1);
  assertEquals(shown(), { logs: 1, issued: 1, refused: 2, tokens: 2, uses: 1 });
  counters.tell(new Map([["demo", new Map([["tokens", 5], ["requests tokens session_invalid", 7]])]]));
  assertEquals(shown(), { logs: 1, issued: 1, refused: 2, tokens: 7, uses: 1 });
});

Deno.test("Counters.exported() has the same names before and after anything that is told by the hour", () => {
  const { clock, counters } = countersAt();
  counters.expect("demo", EXPECTED_OF_APPS);
  const names = () =>
    [...counters.exported()].flatMap(([app, all]) => [...all.keys()].map((s) => `${app} ${s}`));
  const happenings: readonly (() => void)[] = [
    () => counters.answered(accepted),
    () => counters.answered({ ...accepted, outcome: "replayed" }),
    () => counters.answered({ ...accepted, outcome: "use_taken", duration: ">=10s" }),
    () => counters.answered({ ...accepted, app: undefined, outcome: "app_unknown" }),
    () => counters.answered({ ...accepted, route: "redeem", outcome: "key_expired" }),
    () => counters.answered({ ...accepted, route: "tokens", outcome: "ok" }),
    () => counters.issued("demo", 2),
    () => counters.logged("demo", 5, 3, ["event_late"]),
    () => counters.committed(1, true),
    () => counters.committed(9, false),
  ];
  for (const happen of happenings) {
    const before = names();
    happen();
    assertEquals(names(), before, happen.toString());
  }
  const before = names();
  clock.now += 3_600;
  assert(names().length > before.length, "the hour is over");
});

Deno.test("Counters tells what is counted after its hour was told, where a clock was set back", () => {
  const { clock, counters } = countersAt();
  counters.issued("demo", 1);
  counters.tellHour(HOUR);
  clock.now += 3_600;
  counters.issued("demo", 1);
  clock.now -= 3_600;
  counters.issued("demo", 10);
  counters.tellHour(HOUR);
  assertEquals(sumOf(counters.exported().get("demo"), "tokens"), 11);
});

Deno.test("Counters has durations of those answers alone that come with their seconds", () => {
  const { counters } = countersAt();
  counters.answered(accepted);
  counters.answered({ ...accepted, route: "admin", seconds: 0.02 });
  assertEquals([...counters.durations.routes.keys()], ["admin"]);
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

Deno.test("isHourly() holds for whatever a client does, but for refusals of tokens", () => {
  for (const route of ["logs", "keys", "schema", "acs", "openapi", "unknown"]) {
    assertEquals(isHourly(seriesOf("requests", route, "ok")), true, route);
    assertEquals(isHourly(seriesOf("durations", route, "<10ms")), true, route);
  }
  for (const route of ["admin", "console", "health", "metrics", "dev"]) {
    assertEquals(isHourly(seriesOf("requests", route, "ok")), false, route);
    assertEquals(isHourly(seriesOf("durations", route, "<10ms")), false, route);
  }
  for (const metric of ["events", "uses", "commits"] as const) {
    assertEquals(isHourly(seriesOf(metric, "1", "ok")), true, metric);
  }
  // When a token was issued is half of what links it to a log; a refusal issued none.
  assertEquals(isHourly(seriesOf("tokens")), true);
  assertEquals(isHourly(seriesOf("requests", "tokens", "ok")), true);
  assertEquals(isHourly(seriesOf("requests", "tokens", "replayed")), true);
  assertEquals(isHourly(seriesOf("durations", "tokens", "<10ms")), true);
  assertEquals(isHourly(seriesOf("requests", "tokens", "session_invalid")), false);
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
