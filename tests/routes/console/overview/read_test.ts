import { assertEquals } from "@std/assert";
import { Counters } from "../../../../core/operations/counters.ts";
import { readMinutes } from "../../../../routes/console/overview/view.ts";
import { HISTORY_HOURS, liveWindows, makeOverview } from "../../../../routes/console/overview/read.ts";

const HOUR = 500_000;

function counted() {
  const clock = { now: HOUR * 3_600 };
  const counters = new Counters(() => clock.now);
  const answer = (outcome: string, route = "logs", app = "demo", times = 1) => {
    for (let time = 0; time < times; time++) counters.answered({ route, app, outcome, duration: "<10ms" });
  };
  return { clock, counters, answer };
}

Deno.test("makeOverview() tells accepted, repeated and refused logs apart, now and over a day", () => {
  const { clock, counters, answer } = counted();
  answer("accepted", "logs", "demo", 100); // 24 hours before the last hour: not of this day
  clock.now += 3_600;
  answer("accepted", "logs", "demo", 5);
  answer("mac_invalid", "logs", "demo", 2);
  clock.now += 23 * 3_600;
  answer("accepted", "logs", "demo", 3);
  answer("replayed", "logs", "demo", 2);
  answer("mac_invalid", "logs", "demo", 4);
  answer("app_unknown", "logs", "", 1);
  counters.issued("demo", 7);
  counters.logged("demo", 0, 2, ["field_unknown"]);
  counters.logged("other", 40, 1, []);
  counters.committed(3, true);
  counters.committed(9, false);
  const view = makeOverview(counters.hours(), ["demo", "other", "quiet"], clock.now);
  assertEquals(view.thisHour, { tokens: 7, accepted: 3, replayed: 2, refused: 5, events: 3 });
  assertEquals(view.day, { tokens: 7, accepted: 8, replayed: 2, refused: 7, events: 3 });
  assertEquals(view.refusals, [
    { app: "demo", route: "logs", code: "mac_invalid", thisHour: 4, day: 6 },
    { app: "", route: "logs", code: "app_unknown", thisHour: 1, day: 1 },
    { app: "demo", route: "events", code: "field_unknown", thisHour: 1, day: 1 },
  ]);
  assertEquals(view.apps.map(({ app, accepted, refused }) => [app, accepted, refused]), [
    ["demo", 8, 6],
    ["other", 0, 0],
    ["quiet", 0, 0],
  ]);
  assertEquals(view.uses, [["1", 1], ["33-64", 1]]);
  assertEquals(view.groups, [["3-4", 1]]);
  assertEquals(view.hours.length, HISTORY_HOURS);
  assertEquals(view.hours.at(-1)!.startsAtSeconds, (HOUR + 24) * 3_600);
  assertEquals(view.hours.slice(-25).map(({ accepted }) => accepted), [100, 5, ...Array(22).fill(0), 3]);
});

Deno.test("makeOverview() counts refused token requests as reasons, and not as refused logs", () => {
  const { clock, counters, answer } = counted();
  answer("session_invalid", "tokens", "demo", 3);
  answer("ok", "tokens");
  answer("service_token_invalid", "acs");
  answer("route_unknown", "unknown", "", 9);
  answer("admin_token_invalid", "admin", "", 9);
  const view = makeOverview(counters.hours(), ["demo"], clock.now);
  assertEquals(view.day.refused, 0);
  assertEquals(view.refusals.map(({ route, code, day }) => [route, code, day]), [
    ["tokens", "session_invalid", 3],
    ["acs", "service_token_invalid", 1],
  ]);
});

Deno.test("makeOverview() keeps one application's refusals apart from another's", () => {
  const { clock, counters, answer } = counted();
  answer("mac_invalid", "logs", "demo", 2);
  answer("mac_invalid", "logs", "other", 3);
  const { refusals } = makeOverview(counters.hours(), ["demo", "other"], clock.now);
  assertEquals(refusals.map(({ app, code, day }) => [app, code, day]), [
    ["other", "mac_invalid", 3],
    ["demo", "mac_invalid", 2],
  ]);
});

Deno.test("makeOverview() of nothing is zeros", () => {
  const view = makeOverview(new Map(), ["demo"], HOUR * 3_600);
  assertEquals(view.day, { tokens: 0, accepted: 0, replayed: 0, refused: 0, events: 0 });
  assertEquals([view.refusals, view.uses, view.groups, view.durations], [[], [], [], []]);
});

Deno.test("makeOverview() puts durations in their order", () => {
  const { clock, counters } = counted();
  for (const duration of [">=1s", "<1s", "<10ms", "<100ms"]) {
    counters.answered({ route: "logs", app: "demo", outcome: "accepted", duration });
  }
  assertEquals(
    makeOverview(counters.hours(), [], clock.now).durations.map(([label]) => label),
    ["<10ms", "<100ms", "<1s", ">=1s"],
  );
});

Deno.test("liveWindows() has a place for every minute of the last hour", () => {
  const { clock, counters, answer } = counted();
  answer("accepted");
  clock.now += 61;
  answer("mac_invalid");
  const windows = liveWindows(counters.minutes(), clock.now);
  assertEquals(windows.length, 60);
  assertEquals(windows.slice(-2).map(({ accepted, refused }) => [accepted, refused]), [[1, 0], [0, 1]]);
  assertEquals(windows.at(-1)!.startsAtSeconds, HOUR * 3_600 + 60);
});

Deno.test("readMinutes() adds up the processes on one port, as far as they answer", async () => {
  const [own, other] = [counted(), counted()];
  own.answer("accepted", "logs", "demo", 3);
  other.answer("accepted", "logs", "demo", 4);
  other.clock.now += 60;
  other.answer("accepted", "logs", "demo", 5);
  const answers = new Map<string, unknown>([
    ["2", { kind: "told", told: other.counters.minutes() }],
    ["3", { kind: "silent" }],
    ["4", { kind: "away" }],
  ]);
  const siblings = { process: "1", ask: () => Promise.resolve(answers) as never };
  const minutes = await readMinutes({ counters: own.counters, siblings });
  const accepted = [...minutes].map((
    [minute, byApp],
  ) => [minute, byApp.get("demo")?.get("requests logs accepted")]);
  assertEquals(accepted, [[HOUR * 60, 7], [HOUR * 60 + 1, 5]]);
  assertEquals(await readMinutes({ counters: own.counters, siblings: undefined }), own.counters.minutes());
});
