import { assertEquals } from "@std/assert";
import type { EventSchemas } from "../../../core/schema/event.ts";
import { localLosses, maxValuesOf } from "../../../core/schema/local_report.ts";

const words = { description: "d", purpose: "p", owner: "o", expires: "2030-01-01" };

Deno.test("maxValuesOf() is four unless the field says so or has fewer values, and none where it is not randomised", () => {
  const localDp = { epsilon: 1 };
  assertEquals(maxValuesOf({ type: "integer", min: 0, max: 99, localDp }), 4);
  assertEquals(maxValuesOf({ type: "integer", min: 0, max: 99, localDp: { epsilon: 1, maxValues: 16 } }), 16);
  assertEquals(maxValuesOf({ type: "boolean", localDp }), 2);
  assertEquals(maxValuesOf({ type: "boolean", localDp: { epsilon: 1, maxValues: 1 } }), 1);
  assertEquals(maxValuesOf({ type: "boolean" }), 0);
});

Deno.test("localLosses() counts each field of each event by itself", () => {
  const colour = { type: "enum", values: ["a", "b", "c", "d", "e"], localDp: { epsilon: 0.5 } } as const;
  const events: EventSchemas = {
    survey: { ...words, fields: { colour, happy: { type: "boolean", localDp: { epsilon: 2 } } } },
    poll: {
      ...words,
      fields: { colour: { ...colour, localDp: { epsilon: 0.5, maxValues: 1 } }, n: { type: "boolean" } },
    },
  };
  assertEquals(localLosses(events), [
    { field: "survey.colour", epsilon: 0.5, values: 4, loss: 2 },
    { field: "survey.happy", epsilon: 2, values: 2, loss: 4 },
    { field: "poll.colour", epsilon: 0.5, values: 1, loss: 0.5 },
  ]);
});
