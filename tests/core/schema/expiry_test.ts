import { assertEquals } from "@std/assert";
import { parseDay } from "../../../core/base/time.ts";
import type { EventSchema } from "../../../core/schema/event.ts";
import { expiryOn } from "../../../core/schema/expiry.ts";
import { present } from "../../support/base/present.ts";

const event = (expires: string, state?: "stopped"): EventSchema => ({
  description: "The app was opened.",
  purpose: "How many people use it.",
  owner: "demo-team",
  expires,
  ...state === undefined ? {} : { state },
  fields: {},
});

const on = (day: string, events: Record<string, EventSchema>) =>
  expiryOn("events", events, present(parseDay(day)));

Deno.test("expiryOn() says nothing of events that go on for more than thirty days", () => {
  assertEquals(on("2027-01-01", { a: event("2027-02-01") }), { hasExpired: false, sentences: [] });
});

Deno.test("expiryOn() announces the last day thirty days ahead, and on the day itself", () => {
  const found = on("2027-01-02", { a: event("2027-02-01"), b: event("2027-01-03"), c: event("2027-01-02") });
  assertEquals(found, {
    hasExpired: false,
    sentences: [
      "events.a: 2027-02-01 is its last day, in 30 days: decide whether it goes on.",
      "events.b: 2027-01-03 is its last day, tomorrow: decide whether it goes on.",
      "events.c: 2027-01-02 is its last day, today: decide whether it goes on.",
    ],
  });
});

Deno.test("expiryOn() finds an event the day after its last one, and passes over one that was stopped", () => {
  const events = { a: event("2027-01-01"), b: event("2028-01-01"), c: event("2020-01-01", "stopped") };
  assertEquals(on("2027-01-02", events), {
    hasExpired: true,
    sentences: ['events.a: 2027-01-01 was its last day: set "expires" to a later one, or remove it.'],
  });
});

Deno.test("expiryOn() says of an application without an open event that it collects nothing", () => {
  const events = { a: event("2027-01-01"), b: event("2020-01-01", "stopped") };
  assertEquals(
    on("2027-01-02", events).sentences[0],
    "events: on 2027-01-02 nothing is collected: no event is open, and logs are refused.",
  );
});
