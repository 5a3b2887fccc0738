import { assertEquals, assertThrows } from "@std/assert";
import { parseSchema } from "../../../client/base/collection.ts";
import { FIELD_DOCS } from "../../../core/schema/fields/docs.ts";
import { GRANULARITIES, SAMPLE_RATES } from "../../../core/schema/bounds.ts";

Deno.test("parseSchema() refuses what is no schema of the application", () => {
  for (
    const text of [
      "{",
      "null",
      "[]",
      '{"app":"notes"}',
      '{"app":"notes","events":{}}',
      '{"app":"notes","events":"saved"}',
      '{"app":"other","events":[]}',
      ...['"60"', 59, 61, 7_200, 43_200, 86_401, -3_600, null].map((seconds) =>
        `{"app":"notes","events":[],"granularity-seconds":${seconds}}`
      ),
      ...[0, 1, 86_401, 401 * 86_400, '"604800"', null].map((seconds) =>
        `{"app":"notes","events":[],"pseudonym-seconds":${seconds}}`
      ),
    ]
  ) {
    assertThrows(() => parseSchema(text, "notes"), Error, undefined, text);
  }
});

Deno.test("parseSchema() takes every granularity of the list, and an hour where none is named", () => {
  for (const seconds of GRANULARITIES) {
    const text = `{"app":"notes","events":[],"granularity-seconds":${seconds}}`;
    assertEquals(parseSchema(text, "notes").granularitySeconds, seconds);
  }
  assertEquals(parseSchema('{"app":"notes","events":[]}', "notes").granularitySeconds, 3_600);
});

/** What is wrong with an event beside one that is as it should be; undefined when nothing is. */
function faultOf(members: Record<string, unknown>): string | undefined {
  const good = { name: "opened", fields: { ok: { type: "boolean" } } };
  const text = JSON.stringify({ app: "notes", events: [{ name: "saved", fields: {}, ...members }, good] });
  const { events } = parseSchema(text, "notes");
  assertEquals(events.get("opened"), {
    open: true,
    sample: 1,
    fields: new Map([["ok", { type: "boolean" }]]),
  });
  const event = events.get("saved");
  if (event?.fault !== undefined) assertEquals([event.open, event.fields.size], [false, 0]);
  return event?.fault;
}

Deno.test("parseSchema() marks an event that makes no sense, and reads all others", () => {
  for (const sample of SAMPLE_RATES) assertEquals(faultOf({ sample, state: "stopped" }), undefined);
  for (const sample of [0, 0.3, 2, -1, "1", null, {}]) assertEquals(faultOf({ sample }), "malformed");
  for (const state of ["closed", null, [], 1]) assertEquals(faultOf({ state }), "malformed");
  for (const fields of [undefined, null, "ab", 7, [{ type: "boolean" }]]) {
    assertEquals(faultOf({ fields }), "malformed");
  }
  for (const name of ["Saved", "a-b", "__proto__", "a".repeat(64), ""]) {
    assertEquals(faultOf({ fields: JSON.parse(`{"${name}":{"type":"boolean"}}`) }), "malformed");
  }
});

Deno.test("parseSchema() passes over events without a name, and marks those of one name", () => {
  const list = [null, [], 7, {}, { name: 7 }, { name: "Saved", fields: {} }, {
    name: "__proto__",
    fields: {},
  }];
  const twice = { name: "saved", fields: {} };
  const { events } = parseSchema(JSON.stringify({ app: "notes", events: [...list, twice, twice] }), "notes");
  assertEquals([...events].map(([name, { fault }]) => [name, fault]), [["saved", "malformed"]]);
});

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Definitions of fields, as the configuration's check judges them too. */
const DEFINITIONS: readonly unknown[] = [
  { type: "boolean" },
  ...[undefined, null, 7, "ab", {}, [], ["a", "a"], [1], [""], ["a b"], ["a\n"], ["x".repeat(65)], [
    "a",
    null,
  ]]
    .map((values) => ({ type: "enum", values })),
  ...[["a"], ["linux", "x86_64", "v1.2+b-3"], numbers(256).map(String), numbers(257).map(String)]
    .map((values) => ({ type: "enum", values })),
  { type: "enum", values: { length: 1, 0: "a" } },
  ...[[0, 10], [-3, 65_532], [3, 3], [0, 65_535], [0, 65_536], [1, 0], [0.5, 1], ["0", 1], [null, 1], [
    0,
    2 ** 53,
  ], [
    -(2 ** 53),
    -(2 ** 53),
  ]]
    .map(([min, max]) => ({ type: "integer", min, max })),
  { type: "integer" },
  ...[
    undefined,
    null,
    10,
    "12",
    [],
    [1],
    [-0.5, 0, 1e3],
    [1, 1],
    [2, 1],
    ["1"],
    [1, null],
    numbers(64),
    numbers(65),
  ]
    .map((edges) => ({ type: "bucket", edges })),
  { type: "version" },
  ...[[0, 999], [1, 1], [2, 1], [0, 1_000], [-1, 1], ["0", "1"], 7, null]
    .map((majors) => ({ type: "version", majors })),
  ...[0, 999, 1_000, -1, 1.5, "7", null].map((minors) => ({ type: "version", minors })),
  ...[undefined, null, "string", "constructor", "__proto__", ["enum"], {}].map((type) => ({
    type,
    values: ["a"],
  })),
];

Deno.test("parseSchema() takes the very fields that a configuration may have", () => {
  for (const field of DEFINITIONS) {
    const { type } = field as { type: string };
    const doc = FIELD_DOCS.get(type as never);
    const isRight = doc?.rules.every((rule) => rule.isMet(field as never)) ?? false;
    assertEquals(faultOf({ fields: { f: field } }), isRight ? undefined : "malformed", JSON.stringify(field));
  }
  for (const field of [null, "boolean", 7, []]) assertEquals(faultOf({ fields: { f: field } }), "malformed");
});

Deno.test("parseSchema() marks an event with a field that cannot be randomised", () => {
  const ofField = (field: unknown) => faultOf({ fields: { f: field } });
  const values = ["a", "b"];
  for (const epsilon of [0.001, 1, 16]) {
    assertEquals(ofField({ type: "enum", values, "local-dp": { epsilon } }), undefined);
  }
  for (const epsilon of [undefined, null, 0, 0.0009, -1, 16.1, "1", 1e400]) {
    assertEquals(ofField({ type: "enum", values, "local-dp": { epsilon } }), "malformed");
  }
  for (const mechanism of [null, 1, "grr", []]) {
    assertEquals(ofField({ type: "enum", values, "local-dp": mechanism }), "malformed");
  }
  const dp = { "local-dp": { epsilon: 1 } };
  assertEquals(ofField({ type: "integer", min: 0, max: 65_535, ...dp }), undefined);
  assertEquals(ofField({ type: "enum", values: ["a"], ...dp }), "malformed");
  assertEquals(ofField({ type: "version", ...dp }), "malformed");
});
