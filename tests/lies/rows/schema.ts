/** Lies about what is collected. */
import type { EventSchema } from "../../../core/schema/event.ts";
import { type Document, document, instead, problem } from "../answers.ts";
import { type Answer, type Lie, rows } from "../table.ts";

/** The honest schema with other members of its one event. */
function event(change: (event: Document) => Document): Answer {
  return document((schema) => ({ ...schema, events: schema.events.map(change) }));
}

/** The honest schema with other members. */
function members(changes: Document): Answer {
  return document((schema) => ({ ...schema, ...changes }));
}

/** The honest schema with another definition of one field. */
function field(name: string, definition: unknown): Answer {
  return event((event) => ({ ...event, fields: { ...event.fields, [name]: definition } }));
}

/** An event with a field under local differential privacy. */
const RANDOMISED: EventSchema = {
  description: "Something has happened.",
  purpose: "Whether every event arrives once.",
  owner: "dit-maintainers",
  identifying: "Every event of a test is looked for among the records.",
  expires: "2099-12-31",
  fields: {
    number: { type: "integer", min: 0, max: 65_535 },
    mood: { type: "boolean", optional: true, localDp: { epsilon: 1 } },
  },
};

type Row = Omit<Lie, "area">;

/** A schema that no service of this protocol has: it is not used, and what was logged waits. */
function malformed(name: string, schema: Answer): Row {
  return { name, tell: { schema }, client: { refused: ["schema malformed"], keepsTokens: false } };
}

/** An event that makes no sense: it waits until it does. */
function senseless(name: string, change: Document): Row {
  return {
    name: `an event that makes no sense: ${name}`,
    tell: { schema: event((event) => ({ ...event, ...change })) },
    client: { refused: ["schema malformed"] },
  };
}

/** A field that makes no sense: its event waits until it does. */
function senselessField(name: string, definition: unknown): Row {
  return {
    name: `a field that makes no sense: ${name}`,
    tell: { schema: field("platform", definition) },
    client: { refused: ["schema malformed"] },
  };
}

/** A schema that tells more than the app was compiled with. */
function undeclared(name: string, schema: Answer): Row {
  return {
    name: `more than was declared: ${name}`,
    tell: { schema },
    declared: true,
    client: { refused: ["schema not_declared"] },
  };
}

/** A schema for one client, where the mirror shows the one for everybody. */
function forOne(name: string, schema: Answer): Row {
  return {
    name: `a schema for one client beside an honest mirror: ${name}`,
    tell: { schema },
    mirror: true,
    before: 1,
    later: 600,
    client: { refused: ["schema mirror_conflict"] },
  };
}

const tooMany = { type: "integer", min: 0, max: 65_536, optional: true };
const nextYear = 400 * 86_400;

export const SCHEMA_LIES = rows("schema", [
  {
    name: "the schema of another application",
    tell: { schema: document((schema) => ({ ...schema, app: "others" })) },
    client: { refused: ["schema malformed"], keepsTokens: false },
  },
  {
    name: "a schema that is no JSON",
    tell: { schema: instead("<html>Sign in to the hotel's network</html>") },
    client: { refused: ["schema malformed"] },
  },
  malformed("times floored to 61 seconds, which nobody else's are", members({ "granularity-seconds": 61 })),
  malformed("times to the second", members({ "granularity-seconds": 1 })),
  malformed("a pseudonym for a thousand years", members({ "pseudonym-seconds": 1_000 * 366 * 86_400 })),
  malformed(
    "a pseudonym that turns a second later than others do",
    members({ "pseudonym-seconds": 604_801 }),
  ),
  malformed("no list of events", members({ events: null })),
  malformed("the events of an object", members({ events: { length: 1 } })),
  senseless("no fields", { fields: null }),
  senseless("a sample rate of its own", { sample: 0.37 }),
  senseless("a sample rate that is none", { sample: "1" }),
  senseless("a state of its own", { state: "open for you" }),
  {
    name: "an event that is listed twice",
    tell: { schema: document((schema) => ({ ...schema, events: [...schema.events, ...schema.events] })) },
    client: { refused: ["schema malformed"] },
  },
  {
    name: "events that are none, beside those that are",
    tell: {
      schema: document((schema) => ({
        ...schema,
        events: [null, 7, [], { name: "__proto__" }, ...schema.events],
      })),
    },
    client: { sent: 3 },
  },
  senselessField("null", null),
  senselessField("an enum without values", { type: "enum" }),
  senselessField("an enum of nothing", { type: "enum", values: [] }),
  senselessField("a type that nobody knows", { type: "text" }),
  senselessField("more than 2^16 values", tooMany),
  senselessField("edges that fall", { type: "bucket", edges: [3, 2, 1] }),
  senselessField("an epsilon that hides nothing", { type: "boolean", "local-dp": { epsilon: 1e9 } }),
  senselessField("an epsilon that is none", { type: "boolean", "local-dp": { epsilon: null } }),
  undeclared("times to the minute", members({ "granularity-seconds": 60 })),
  undeclared("a pseudonym for 400 days", members({ "pseudonym-seconds": nextYear })),
  undeclared("edges of its own", field("latency_ms", { type: "bucket", edges: [41, 42], optional: true })),
  undeclared("a measurement to the millisecond", field("latency_ms", { ...tooMany, max: 65_535 })),
  undeclared(
    "a word that the app does not know",
    field("platform", { type: "enum", values: ["web", "yours"] }),
  ),
  undeclared("a field that the app does not know", field("account", { type: "integer", min: 0, max: 9 })),
  {
    name: "more than was declared: the value itself, of a field that was randomised",
    tell: { schema: field("mood", { type: "boolean", optional: true }) },
    service: { events: { counted: RANDOMISED } },
    declared: true,
    client: { refused: ["schema not_declared"] },
  },
  {
    name: "more than was declared: reports of a greater epsilon",
    tell: { schema: field("mood", { type: "boolean", optional: true, "local-dp": { epsilon: 16 } }) },
    service: { events: { counted: RANDOMISED } },
    declared: true,
    client: { refused: ["schema not_declared"] },
  },
  {
    name: "an event and an optional field that the app does not know yet, which it does without",
    tell: {
      schema: document((schema) => ({
        ...schema,
        events: [
          ...schema.events.map((event: Document) => ({
            ...event,
            fields: { ...event.fields, account: { ...tooMany, max: 1 } },
          })),
          { name: "account_named", fields: {} },
        ],
      })),
    },
    declared: true,
    client: { sent: 3 },
  },
  forOne("times to the minute", members({ "granularity-seconds": 60 })),
  forOne("a pseudonym for 400 days", members({ "pseudonym-seconds": nextYear })),
  forOne("no pseudonym", members({ "pseudonym-seconds": undefined })),
  forOne("edges of its own", field("latency_ms", { type: "bucket", edges: [-2, -1], optional: true })),
  forOne("its event is stopped", event((event) => ({ ...event, state: "stopped" }))),
  forOne(
    "its field is suppressed",
    event((event) => ({
      ...event,
      fields: { ...event.fields, platform: { ...event.fields.platform, suppressed: true } },
    })),
  ),
  forOne("it is asked for less", event((event) => ({ ...event, sample: 0.001 }))),
  forOne("it has no events", members({ events: [] })),
  {
    name: "a mirror that shows nothing, at first contact",
    tell: { mirror_schema: problem(503, "overloaded") },
    mirror: true,
    client: { refused: ["schema mirror_unavailable"], keepsTokens: false },
  },
  {
    name: "a mirror that shows another application's schema, at first contact",
    tell: { mirror_schema: members({ app: "others" }) },
    mirror: true,
    client: { refused: ["schema mirror_unavailable"], keepsTokens: false },
  },
]);
