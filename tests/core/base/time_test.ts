import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { dayOf, floorTo, formatDay, formatInstant, parseDay, parseInstant } from "../../../core/base/time.ts";

// 1970-01-01 .. 9999-12-31, where RFC 3339 has four digits for the year.
const seconds = fc.integer({ min: 0, max: 253_402_300_799 });

Deno.test("parseInstant() reverses formatInstant()", () => {
  fc.assert(fc.property(seconds, fc.stringMatching(/^(\.[0-9]{1,9})?$/), (instant, fraction) => {
    const text = formatInstant(instant);
    assertEquals(parseInstant(text), instant);
    assertEquals(parseInstant(text.replace("Z", `${fraction}Z`)), instant);
  }));
  assertEquals(formatInstant(1_795_305_600), "2026-11-22T00:00:00Z");
});

Deno.test("parseInstant() takes the days of a leap year and no others", () => {
  const real = [
    "2024-02-29",
    "2000-02-29",
    "2026-02-28",
    "2026-12-31",
    "2026-04-30",
    "1969-12-31",
    "0000-01-01",
  ];
  for (const day of real) assertEquals(typeof parseInstant(`${day}T23:59:59Z`), "number", day);
  const none = [
    "2026-02-29",
    "1900-02-29",
    "2100-02-29",
    "2026-02-30",
    "2026-04-31",
    "2026-13-01",
    "2026-00-01",
    "2026-01-00",
    "2026-01-32",
  ];
  for (const day of none) {
    assertEquals(parseInstant(`${day}T00:00:00Z`), undefined, day);
    assertEquals(parseDay(day), undefined, day);
  }
});

Deno.test("parseInstant() takes UTC written with Z and nothing else", () => {
  const none = [
    "",
    "2026-11-22",
    "2026-11-22T10:00Z",
    "2026-11-22T10:00:00",
    "2026-11-22T10:00:00+00:00",
    "2026-11-22T10:00:00z",
    "2026-11-22t10:00:00Z",
    "2026-11-22 10:00:00Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T10:60:00Z",
    "2026-11-22T10:00:60Z",
    "2026-11-22T10:00:00.Z",
    "2026-11-22T10:00:00.1234567890Z",
    "2026-11-22T10:00:00,5Z",
    " 2026-11-22T10:00:00Z",
    "2026-11-22T10:00:00Z\n",
    "2026-11-22T10:00:00Z (from alice)",
    "+002026-11-22T10:00:00Z",
    "-2026-11-22T10:00:00Z",
    "２０２６-11-22T10:00:00Z",
  ];
  for (const text of none) assertEquals(parseInstant(text), undefined, text);
});

Deno.test("parseInstant() never throws", () => {
  const digits = fc.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/);
  fc.assert(fc.property(fc.oneof(fc.string(), digits), (text) => {
    const instant = parseInstant(text);
    if (instant !== undefined) assertEquals(formatInstant(instant), `${text.slice(0, 19)}Z`);
  }));
});

Deno.test("floorTo() goes down to a multiple, before 1970 as well", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 86_400 }), (instant, granularity) => {
    const floored = floorTo(instant, granularity);
    assertEquals([floored <= instant, instant - floored < granularity], [true, true]);
    assertEquals(Math.abs(floored % granularity), 0);
  }));
  assertEquals(floorTo(7_199, 3_600), 3_600);
  assertEquals(floorTo(7_200, 3_600), 7_200);
  assertEquals(floorTo(-1, 3_600), -3_600);
});

Deno.test("dayOf(), formatDay() and parseDay() agree", () => {
  fc.assert(fc.property(seconds, (instant) => {
    const day = dayOf(instant);
    assertEquals(formatDay(day), formatInstant(instant).slice(0, 10));
    assertEquals(parseDay(formatDay(day)), day);
  }));
  assertEquals(dayOf(86_399), 0);
  assertEquals(dayOf(86_400), 1);
  assertEquals(parseDay("2026-11-22"), 20_779);
  for (const text of ["", "2026-11-22T00:00:00Z", "22.11.2026", "2026-1-2", " 2026-11-22", "20779"]) {
    assertEquals(parseDay(text), undefined, text);
  }
});
