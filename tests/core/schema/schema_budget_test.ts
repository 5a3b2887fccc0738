import { assertEquals } from "@std/assert";
import { budgetMistakes, domainSize, schemaBudget, totalBudget } from "../../../core/schema/schema_budget.ts";
import type { EventSchemas } from "../../../core/schema/event.ts";

const words = { description: "d", purpose: "p", owner: "o", expires: "2030-01-01" };
const EVENTS: EventSchemas = {
  small: { ...words, fields: { ok: { type: "boolean" }, size: { type: "bucket", edges: [1, 2, 3] } } },
  large: {
    ...words,
    fields: {
      ok: { type: "boolean" },
      volume: { type: "integer", min: 0, max: 65_535 },
      kind: { type: "enum", values: ["a", "b", "c", "d"] },
    },
  },
};

Deno.test("domainSize() counts the values of every type, and absence as one more", () => {
  assertEquals(domainSize({ type: "boolean" }), 2);
  assertEquals(domainSize({ type: "boolean", optional: true }), 3);
  assertEquals(domainSize({ type: "enum", values: ["a", "b", "c"] }), 3);
  assertEquals(domainSize({ type: "integer", min: -2, max: 2 }), 5);
  assertEquals(domainSize({ type: "bucket", edges: [1, 2] }), 3);
  assertEquals(domainSize({ type: "version" }), 1_000_000);
  assertEquals(domainSize({ type: "version", majors: [2, 3], minors: 4 }), 10);
});

Deno.test("schemaBudget() counts the bits of a record and of its worst pair", () => {
  const [small, large] = schemaBudget(EVENTS, 8_000, 20);
  assertEquals([small!.bits, small!.crowd, small!.withinLimit], [3, 1_000, true]);
  assertEquals([large!.bits, large!.withinLimit], [19, false]);
  assertEquals(large!.worstPair, { fields: ["volume", "kind"], bits: 18 });
  assertEquals(budgetMistakes("events", [small!, large!], 20), [
    "events.large: its 19.0 bits leave fewer than one client to a record (at least 20 are wanted): " +
    'narrow volume and kind, or write under "identifying" why it must be so.',
  ]);
});

Deno.test("schemaBudget() accepts an event that says why, and leaves randomised fields out", () => {
  const justified = { large: { ...EVENTS.large!, identifying: "Only 20 devices of the lab send it." } };
  assertEquals(budgetMistakes("events", schemaBudget(justified, 8_000, 20), 20), []);
  const noised: EventSchemas = {
    large: {
      ...words,
      fields: { volume: { type: "integer", min: 0, max: 65_535, localDp: { epsilon: 1 } } },
    },
  };
  assertEquals(schemaBudget(noised, 8_000, 20)[0]!.bits, 0);
});

Deno.test("totalBudget() adds the bits of all events and of the times at which they may have happened", () => {
  const events: EventSchemas = {
    opened: { ...words, fields: { part: { type: "integer", min: 0, max: 255 } } },
    closed: { ...words, fields: { noised: { type: "boolean", localDp: { epsilon: 1 } } } },
  };
  const day = { pseudonymSeconds: 86_400, granularitySeconds: 86_400 / 16, expectedClients: 2 ** 17 };
  assertEquals(totalBudget(events, day), { fieldBits: 8, timeBits: 8, crowd: 2 });
});
