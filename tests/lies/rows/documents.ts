/** Schemas that are no document, or of other bytes, or collect less. */
import { bytes, document, instead, text } from "../answers.ts";
import { rows } from "../table.ts";

const MALFORMED = { refused: ["schema malformed"], keepsTokens: false };

/** A schema with other members. */
const members = (changes: Record<string, unknown>) => ({
  schema: document((schema) => ({ ...schema, ...changes })),
});

/** A schema whose event has other members. */
const event = (changes: Record<string, unknown>) => ({
  schema: document((schema) => {
    for (const one of schema.events) Object.assign(one, changes);
  }),
});

const NONE: Readonly<Record<string, string>> = {
  "null": "null",
  "a text": '"schema"',
  "objects in objects, 50,000 deep": '{"app":'.repeat(50_000) + "1" + "}".repeat(50_000),
};

export const SCHEMA_DOCUMENT_LIES = rows("schema", [
  ...Object.entries(NONE).map(([what, body]) => ({
    name: `a schema that is ${what}`,
    tell: { schema: instead(body) },
    client: MALFORMED,
  })),
  { name: "a time to the year", tell: members({ "granularity-seconds": 31_536_000 }), client: MALFORMED },
  { name: "a pseudonym of half a day", tell: members({ "pseudonym-seconds": 43_200 }), client: MALFORMED },
  { name: "a pseudonym in words", tell: members({ "pseudonym-seconds": "604800" }), client: MALFORMED },
  {
    name: "a schema that is no UTF-8",
    tell: { schema: bytes((body) => Uint8Array.of(...body, 0xff)) },
    client: MALFORMED,
  },
  {
    name: "a schema of a megabyte",
    tell: { schema: text((schema) => schema + " ".repeat(1_048_576)) },
    client: { refused: ["schema no_answer"] },
  },
  {
    name: "an event that is stopped for one client",
    tell: event({ state: "stopped" }),
    client: { dropped: { collection_stopped: 3 } },
  },
  { name: "an event of no fields", tell: event({ fields: {} }), client: { dropped: { field_unknown: 3 } } },
  { name: "another event", tell: event({ name: "__proto__" }), client: { dropped: { event_unknown: 3 } } },
]);
