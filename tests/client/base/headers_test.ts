import { assertEquals } from "@std/assert";
import { Clock } from "../../../client/base/clock.ts";
import { freshFor, retryAfter } from "../../../client/base/headers.ts";

Deno.test("retryAfter() reads seconds, bounded", () => {
  const of = (value: string) => retryAfter(new Headers({ "retry-after": value }), 100);
  assertEquals(of("5"), 5000);
  assertEquals(of("500"), 100_000);
  assertEquals(of("-5"), undefined);
  assertEquals(of("soon"), undefined);
  assertEquals(retryAfter(new Headers(), 100), undefined);
});

Deno.test("freshFor() is the max-age less the Age, a minute to a day", () => {
  const of = (control: string, age?: string) =>
    freshFor(new Headers({ "cache-control": control, ...(age === undefined ? {} : { age }) })) / 1000;
  assertEquals(of("public, max-age=3600"), 3600);
  assertEquals(of("public, max-age=3600", "600"), 3000);
  assertEquals(of("public, max-age=3600", "5000"), 60);
  assertEquals(of("max-age=999999999"), 86_400);
  assertEquals(of("no-store"), 60);
});

Deno.test("Clock takes over Date plus Age, and ignores rounding and what is no date", () => {
  const device = Date.UTC(2027, 0, 15, 10);
  const clock = new Clock(() => device);
  clock.correct(new Headers({ date: new Date(device + 3_600_000).toUTCString(), age: "60" }));
  assertEquals(clock.seconds(), device / 1000 + 3660);
  clock.correct(new Headers({ date: "yesterday" }));
  assertEquals(clock.seconds(), device / 1000 + 3660);
  clock.correct(new Headers({ date: new Date(device - 1000).toUTCString() }));
  assertEquals(clock.seconds(), device / 1000);
});
