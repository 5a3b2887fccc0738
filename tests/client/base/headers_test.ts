import { assertEquals } from "@std/assert";
import { freshFor, retryAfter } from "../../../client/base/headers.ts";

Deno.test("retryAfter() reads seconds, forty minutes at most: with backoff and delays that is within the hour", () => {
  const of = (value: string) => retryAfter(new Headers({ "retry-after": value }));
  assertEquals(of("5"), 5000);
  assertEquals(of("3600"), 2_400_000);
  assertEquals(of("999999999"), 2_400_000);
  assertEquals(of("-5"), undefined);
  assertEquals(of("soon"), undefined);
  assertEquals(retryAfter(new Headers()), undefined);
});

Deno.test("freshFor() is the max-age less the Age, a minute to forty", () => {
  const of = (control: string, age?: string) =>
    freshFor(new Headers({ "cache-control": control, ...(age === undefined ? {} : { age }) })) / 1000;
  assertEquals(of("public, max-age=2000"), 2000);
  assertEquals(of("public, max-age=2000", "600"), 1400);
  assertEquals(of("public, max-age=2000", "5000"), 60);
  assertEquals(of("max-age=999999999"), 2400);
  assertEquals(of("no-store"), 60);
});
