import { assertEquals } from "@std/assert";
import { freshFor, retryAfter } from "../../../client/base/headers.ts";

Deno.test("retryAfter() reads seconds, an hour at most", () => {
  const of = (value: string) => retryAfter(new Headers({ "retry-after": value }));
  assertEquals(of("5"), 5000);
  assertEquals(of("3600"), 3_600_000);
  assertEquals(of("999999999"), 3_600_000);
  assertEquals(of("-5"), undefined);
  assertEquals(of("soon"), undefined);
  assertEquals(retryAfter(new Headers()), undefined);
});

Deno.test("freshFor() is the max-age less the Age, a minute to an hour", () => {
  const of = (control: string, age?: string) =>
    freshFor(new Headers({ "cache-control": control, ...(age === undefined ? {} : { age }) })) / 1000;
  assertEquals(of("public, max-age=3600"), 3600);
  assertEquals(of("public, max-age=3600", "600"), 3000);
  assertEquals(of("public, max-age=3600", "5000"), 60);
  assertEquals(of("max-age=999999999"), 3600);
  assertEquals(of("no-store"), 60);
});
