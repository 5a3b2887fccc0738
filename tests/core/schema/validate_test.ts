import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type EventSchemas, NO_SUPPRESSIONS, type Suppressions } from "../../../core/schema/event.ts";
import type { FieldSchema } from "../../../core/schema/fields/types.ts";
import { bucketOf } from "../../../core/schema/fields/bucket.ts";
import { isInDomain, validateEvents, type WireEvent } from "../../../core/schema/validate.ts";

const words = { description: "d", purpose: "p", owner: "o" };
const SCHEMAS: EventSchemas = {
  fetch: {
    ...words,
    expires: "2026-12-31",
    fields: {
      ok: { type: "boolean" },
      platform: { type: "enum", values: ["linux", "other"] },
      retries: { type: "integer", min: -2, max: 10 },
      latency: { type: "bucket", edges: [10, 100] },
      runtime: { type: "version", optional: true },
    },
  },
  // A name that every object has by inheritance.
  constructor: { ...words, expires: "2026-12-31", fields: {} },
  halted: { ...words, expires: "2026-12-31", state: "stopped", fields: {} },
};
const FIELDS = { ok: true, platform: "linux", retries: 0, latency: 2, runtime: "2.9" };
const HOUR = 3_600;
/** A day before the events expire, 20 minutes past ten. */
const NOW = Date.UTC(2026, 11, 30, 10, 20) / 1000;

function check(
  events: WireEvent[],
  suppressions: Suppressions = NO_SUPPRESSIONS,
  now = NOW,
  granularity = HOUR,
) {
  return validateEvents(SCHEMAS, suppressions, events, now, granularity);
}

function rejection(fields: Record<string, unknown>, suppressions?: Suppressions): [string, string] {
  const { accepted, rejected } = check([{ name: "fetch", fields }], suppressions);
  assertEquals(accepted, []);
  assertEquals(rejected.length, 1);
  return [rejected[0]!.code, rejected[0]!.path];
}

Deno.test("validateEvents() accepts a declared event with its floored time", () => {
  assertEquals(check([{ name: "fetch", fields: FIELDS }, { name: "constructor", fields: {} }]), {
    accepted: [
      { name: "fetch", at: NOW - 20 * 60, fields: FIELDS },
      { name: "constructor", at: NOW - 20 * 60, fields: {} },
    ],
    rejected: [],
  });
});

Deno.test("validateEvents() gives every rejection its code, path and index", () => {
  const good = { name: "fetch", fields: FIELDS };
  const events: WireEvent[] = [
    { name: "fetsch", fields: {} },
    good,
    { name: "fetch", fields: { ...FIELDS, colour: "red" } },
    { name: "fetch", fields: { platform: "linux", retries: 0, latency: 2 } },
    { name: "fetch", fields: { ...FIELDS, platform: "beos" } },
    { name: "halted", fields: {} },
    { name: "fetch", at: "yesterday", fields: FIELDS },
  ];
  const { accepted, rejected } = check(events);
  assertEquals(accepted.length, 1);
  assertEquals(rejected, [
    { index: 0, code: "event_unknown", path: "name" },
    { index: 2, code: "field_unknown", path: "fields.colour" },
    { index: 3, code: "field_missing", path: "fields.ok" },
    { index: 4, code: "field_invalid", path: "fields.platform" },
    { index: 5, code: "collection_stopped", path: "name" },
    { index: 6, code: "field_invalid", path: "at" },
  ]);
});

Deno.test("validateEvents() knows no name that an object merely inherits", () => {
  for (const name of ["__proto__", "toString", "hasOwnProperty", "valueOf"]) {
    assertEquals(check([{ name, fields: {} }]).rejected, [{ index: 0, code: "event_unknown", path: "name" }]);
    const fields = JSON.parse(`{"${name}": {"type": "boolean"}}`);
    assertEquals(rejection(fields), ["field_unknown", `fields.${name}`]);
  }
  // Inherited values are no values of an event either.
  assertEquals(rejection(Object.create(FIELDS)), ["field_missing", "fields.ok"]);
});

Deno.test("validateEvents() repeats at most 64 characters of a name that nobody declared, and never a value", () => {
  assertEquals(rejection({ ["x".repeat(5_000)]: "secret" }), ["field_unknown", `fields.${"x".repeat(64)}`]);
  const { rejected } = check([{ name: "secret", fields: {} }, {
    name: "fetch",
    at: "secret",
    fields: FIELDS,
  }, { name: "fetch", fields: { ...FIELDS, platform: "secret" } }]);
  assertEquals(JSON.stringify(rejected).includes("secret"), false);
});

Deno.test("validateEvents() requires every field that is not optional", () => {
  for (const name of Object.keys(FIELDS)) {
    const fields: Record<string, unknown> = { ...FIELDS };
    delete fields[name];
    if (name === "runtime") assertEquals(check([{ name: "fetch", fields }]).accepted.length, 1);
    else assertEquals(rejection(fields), ["field_missing", `fields.${name}`]);
    assertEquals(rejection({ ...FIELDS, [name]: null }), ["field_invalid", `fields.${name}`]);
    assertEquals(rejection({ ...FIELDS, [name]: [FIELDS.ok] }), ["field_invalid", `fields.${name}`]);
    assertEquals(rejection({ ...FIELDS, [name]: {} }), ["field_invalid", `fields.${name}`]);
  }
});

Deno.test("validateEvents() keeps fields in the schema's order with one zero", () => {
  const fields = { latency: -0, runtime: "2.9", retries: -0, platform: "linux", ok: true };
  const [event] = check([{ name: "fetch", fields }]).accepted;
  assertEquals(Object.keys(event!.fields), Object.keys(FIELDS));
  assert(Object.is(event!.fields.retries, 0) && Object.is(event!.fields.latency, 0));
});

Deno.test("validateEvents() drops a suppressed field and reports it, whatever its value is", () => {
  const suppressions = { events: new Set<string>(), fields: new Set(["fetch.platform", "fetch.runtime"]) };
  const { platform: _, runtime: __, ...rest } = FIELDS;
  const both = check([{ name: "fetch", fields: { ...FIELDS, platform: 7 } }], suppressions);
  assertEquals(both, {
    accepted: [{ name: "fetch", at: NOW - 20 * 60, fields: rest }],
    rejected: [
      { index: 0, code: "field_suppressed", path: "fields.platform" },
      { index: 0, code: "field_suppressed", path: "fields.runtime" },
    ],
  });
  // A client that leaves them out has nothing to hear.
  assertEquals(check([{ name: "fetch", fields: rest }], suppressions).rejected, []);
  // An event that is refused anyway says only why.
  assertEquals(rejection({ ...FIELDS, ok: 1 }, suppressions), ["field_invalid", "fields.ok"]);
});

Deno.test("validateEvents() refuses a stopped event, and one past the end of its last day", () => {
  const event = { name: "fetch", fields: FIELDS };
  const stopped = [{ index: 0, code: "collection_stopped", path: "name" }];
  const suppressions = { events: new Set(["fetch"]), fields: new Set<string>() };
  assertEquals(check([event], suppressions).rejected, stopped);
  const end = Date.UTC(2027, 0, 1) / 1000;
  assertEquals(check([event], NO_SUPPRESSIONS, end - 1).accepted.length, 1);
  assertEquals(check([event], NO_SUPPRESSIONS, end).rejected, stopped);
  // The day that counts is the server's: an event of yesterday is not collected today.
  assertEquals(check([{ ...event, at: "2026-12-31T10:00:00Z" }], NO_SUPPRESSIONS, end).rejected, stopped);
});

Deno.test("validateEvents() floors a time within floor(now - 7 d) .. now + 1 h and replaces any other", () => {
  const at = (seconds: number, granularity = HOUR) => {
    const text = new Date(seconds * 1000).toISOString();
    return check([{ name: "fetch", at: text, fields: FIELDS }], NO_SUPPRESSIONS, NOW, granularity)
      .accepted[0]!.at;
  };
  const floor = (seconds: number) => seconds - seconds % HOUR;
  const week = 7 * 86_400;
  assertEquals(at(NOW - 90), floor(NOW));
  assertEquals(at(NOW - 30 * 60), floor(NOW) - HOUR);
  assertEquals(at(NOW - week), floor(NOW - week));
  assertEquals(at(floor(NOW - week)), floor(NOW - week));
  assertEquals(at(floor(NOW - week) - 1), floor(NOW));
  assertEquals(at(NOW + HOUR), floor(NOW + HOUR));
  assertEquals(at(NOW + HOUR + 1), floor(NOW));
  assertEquals(at(0), floor(NOW));
  assertEquals(at(NOW - 86_400, 86_400), Date.UTC(2026, 11, 29) / 1000);
  assertEquals(at(NOW - 61, 60), NOW - 120);
});

Deno.test("validateEvents() keeps no time that is finer than the granularity", () => {
  const granularities = fc.constantFrom(60, 900, HOUR, 86_400);
  const offset = fc.integer({ min: -10 * 86_400, max: 2 * HOUR });
  fc.assert(fc.property(offset, granularities, (seconds, granularity) => {
    const text = new Date((NOW + seconds) * 1000).toISOString();
    const { accepted } = check(
      [{ name: "fetch", at: text, fields: FIELDS }],
      NO_SUPPRESSIONS,
      NOW,
      granularity,
    );
    assertEquals(accepted[0]!.at % granularity, 0);
  }));
});

Deno.test("isInDomain() takes exactly the values of a field's type", () => {
  const domains: [FieldSchema, unknown[], unknown[]][] = [
    [{ type: "boolean" }, [true, false], [0, 1, "true", null, undefined, [], {}]],
    [{ type: "enum", values: ["a", "b"] }, ["a", "b"], ["", "c", "A", "a ", 0, ["a"], null, "toString"]],
    [{ type: "integer", min: -1, max: 2 }, [-1, 0, 2], [-2, 3, 0.5, "0", NaN, Infinity, null, true, [1]]],
    [{ type: "bucket", edges: [10, 100] }, [0, 1, 2], [-1, 3, 1.5, "1", NaN, null, true, [0, 1, 0]]],
    [
      { type: "version" },
      ["0.0", "2.9", "999.999", "10.0"],
      [
        "",
        "2",
        "2.",
        ".9",
        "2.9.6",
        "02.9",
        "2.09",
        "1000.0",
        "0.1000",
        "-1.0",
        "2.9\n",
        " 2.9",
        "2,9",
        2.9,
        null,
      ],
    ],
  ];
  for (const [field, inside, outside] of domains) {
    for (const value of inside) assert(isInDomain(field, value), `${field.type}: ${JSON.stringify(value)}`);
    for (const value of outside) assert(!isInDomain(field, value), `${field.type}: ${JSON.stringify(value)}`);
  }
});

Deno.test("bucketOf() counts the edges at or below a measurement", () => {
  const edges = [10, 100, 1_000];
  const cases: [number, number][] = [
    [-Infinity, 0],
    [9.999, 0],
    [10, 1],
    [99.9, 1],
    [100, 2],
    [1_000, 3],
    [Infinity, 3],
  ];
  for (const [measurement, bucket] of cases) {
    assertEquals(bucketOf(edges, measurement), bucket, `${measurement}`);
  }
  assertThrows(
    () => bucketOf(edges, NaN),
    RangeError,
    "Cannot choose a bucket: the measurement is not a number",
  );
});

Deno.test("bucketOf() always gives a value of the field's domain", () => {
  const rising = fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), {
    minLength: 1,
    maxLength: 64,
  })
    .map((edges) => edges.sort((a, b) => a - b));
  fc.assert(fc.property(rising, fc.double({ noNaN: true }), (edges, measurement) => {
    const bucket = bucketOf(edges, measurement);
    assert(isInDomain({ type: "bucket", edges }, bucket));
    assert(bucket === 0 || edges[bucket - 1]! <= measurement);
    assert(bucket === edges.length || measurement < edges[bucket]!);
  }));
});

Deno.test("validateEvents() accounts for every event, and never throws", () => {
  const names = fc.constantFrom("fetch", "constructor", "halted", "__proto__", "other");
  const fields = fc.dictionary(
    fc.oneof(fc.constantFrom(...Object.keys(FIELDS)), fc.string()),
    fc.oneof(fc.constantFrom<unknown>(...Object.values(FIELDS)), fc.jsonValue()),
  );
  const event = fc.record({ name: names, at: fc.string(), fields: fc.oneof(fields, fc.constant(FIELDS)) }, {
    requiredKeys: ["name", "fields"],
  });
  fc.assert(fc.property(fc.array(event), (events) => {
    const { accepted, rejected } = check(events as WireEvent[]);
    assertEquals(accepted.length + rejected.length, events.length);
    for (const { name, fields } of accepted) {
      for (const [field, value] of Object.entries(fields)) {
        assert(isInDomain(SCHEMAS[name]!.fields[field]!, value));
      }
    }
  }));
});

Deno.test("validateEvents() takes a version within its declared parts only, and a randomised report for what it is", () => {
  const words = { description: "d", purpose: "p", owner: "o", expires: "2030-01-01" };
  const schemas: EventSchemas = {
    e: { ...words, fields: { v: { type: "version", majors: [2, 3], minors: 5 } } },
    // 4 values under epsilon 1 are reported by their index (randomised response).
    noised: {
      ...words,
      fields: { kind: { type: "enum", values: ["a", "b", "c", "d"], localDp: { epsilon: 1 } } },
    },
  };
  const codes = (name: string, fields: Record<string, unknown>) =>
    validateEvents(schemas, NO_SUPPRESSIONS, [{ name, fields }], NOW, HOUR).rejected.map(({ code }) => code);
  for (const v of ["2.0", "3.5"]) assertEquals(codes("e", { v }), []);
  for (const v of ["1.0", "4.0", "2.6"]) assertEquals(codes("e", { v }), ["field_invalid"]);
  for (const kind of [0, 3]) assertEquals(codes("noised", { kind }), []);
  for (const kind of [4, -1, 1.5, "a"]) assertEquals(codes("noised", { kind }), ["field_invalid"]);
});
