import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { z } from "zod";
import { docOf, FIELD_DOCS } from "../../../core/schema/fields/docs.ts";
import {
  encodeLogged,
  indexOfValue,
  isValue,
  valueAtIndex,
  valueCount,
} from "../../../core/schema/fields/table.ts";
import type { FieldSchema } from "../../../core/schema/fields/types.ts";

/** By type, fields with all of their values in order. */
const DOMAINS: { readonly [T in FieldSchema["type"]]: readonly [FieldSchema & { type: T }, unknown[]][] } = {
  boolean: [[{ type: "boolean" }, [false, true]]],
  enum: [[{ type: "enum", values: ["linux", "other"] }, ["linux", "other"]]],
  integer: [[{ type: "integer", min: -1, max: 2 }, [-1, 0, 1, 2]], [{ type: "integer", min: 7, max: 7 }, [
    7,
  ]]],
  bucket: [[{ type: "bucket", edges: [10, 100] }, [0, 1, 2]]],
  version: [
    [{ type: "version", majors: [1, 2], minors: 2 }, ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2"]],
    [{ type: "version", majors: [0, 0], minors: 0 }, ["0.0"]],
  ],
};

/** What a value of each type of attribute in OpenTelemetry is. */
const ATTRIBUTES = {
  boolean: (value: unknown) => typeof value === "boolean",
  string: (value: unknown) => typeof value === "string",
  int: (value: unknown) => Number.isSafeInteger(value),
  double: (value: unknown) => typeof value === "number",
};

Deno.test("each type of field numbers exactly the values of its domain", () => {
  const strangers = [undefined, null, "", "text", "1.3", "3.0", "01.0", "1.0\n", 0.5, NaN, -2, 1e9, [0], {}];
  for (const [field, values] of Object.values(DOMAINS).flat()) {
    assertEquals(valueCount(field), values.length, field.type);
    for (const [index, value] of values.entries()) {
      assert(isValue(field, value), `${field.type} ${value}`);
      assertEquals(indexOfValue(field, value), index);
      assertEquals(valueAtIndex(field, index), value);
    }
    for (const value of strangers) {
      assertEquals(isValue(field, value), values.includes(value), `${field.type} ${value}`);
    }
  }
});

Deno.test("each type of field has a document whose shape, rules and attribute fit its fields", () => {
  assertEquals([...FIELD_DOCS.keys()], Object.keys(DOMAINS));
  for (const [field, values] of Object.values(DOMAINS).flat()) {
    const { shape, rules, attribute, words, operatorWords, typescript } = docOf(field);
    z.strictObject({ type: z.literal(field.type), ...shape }).parse(field);
    for (const { sentence, isMet } of rules) assert(isMet({ ...field }), sentence);
    for (const value of values) assert(ATTRIBUTES[attribute](value), `${field.type} ${value}`);
    assertMatch(`${words(field)}, ${operatorWords(field)}, ${typescript(field)}`, /^\w.*\w, \w.*\w, .+$/);
  }
});

Deno.test("encodeLogged() gives of a measurement its bucket, and all else as it is", () => {
  const field: FieldSchema = { type: "bucket", edges: [10, 100] };
  assertEquals([9.9, 10, 99, 100, 1e9, -Infinity].map((value) => encodeLogged(field, value)), [
    0,
    1,
    1,
    2,
    2,
    0,
  ]);
  assertThrows(() => encodeLogged(field, NaN), RangeError);
  assertEquals(encodeLogged(field, "10"), "10");
  assertEquals(encodeLogged({ type: "integer", min: 0, max: 20 }, 10), 10);
});
