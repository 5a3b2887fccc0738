import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { layoutOf, SKETCH_MEMORY, sketchParameters } from "../../../../core/privacy/risk/dimensions.ts";
import type { FieldSchema } from "../../../../core/schema/fields/types.ts";
import { event } from "../../../support/privacy/monitored.ts";

const PARAMETERS = { k: 2048, registerCount: 1024 };
const BOOLEAN: FieldSchema = { type: "boolean" };
const none = () => false;

function names(fields: Record<string, FieldSchema>, isSuppressed: (field: string) => boolean = none) {
  return layoutOf(event(fields), isSuppressed, PARAMETERS)?.dimensions.map(({ name }) => name);
}

Deno.test("layoutOf() measures each field, each pair and the record, none twice", () => {
  assertEquals(names({}), undefined);
  assertEquals(names({ a: BOOLEAN }), ["a"]);
  assertEquals(names({ a: BOOLEAN, b: BOOLEAN }), ["a", "b", "a b"]);
  assertEquals(names({ a: BOOLEAN, b: BOOLEAN, c: BOOLEAN }), ["a", "b", "c", "a b", "a c", "b c", "a b c"]);
});

Deno.test("layoutOf() leaves out what is suppressed and what is randomised on the device", () => {
  const fields = { a: BOOLEAN, b: { ...BOOLEAN, localDp: { epsilon: 1 } }, c: BOOLEAN };
  assertEquals(names(fields), ["a", "c", "a c"]);
  assertEquals(names(fields, (field) => field === "a"), ["c"]);
  assertEquals(names(fields, () => true), undefined);
});

Deno.test("layoutOf() knows the domain of a combination, absent values included", () => {
  const fields: Record<string, FieldSchema> = {
    a: { type: "enum", values: ["x", "y", "z"], optional: true },
    b: { type: "integer", min: 0, max: 9 },
  };
  const sizes = layoutOf(event(fields), none, PARAMETERS)!.dimensions.map(({ domainSize }) => domainSize);
  assertEquals(sizes, [4, 10, 40]);
});

Deno.test("layoutOf() gives another id for other fields, domains or parameters, not for other words", () => {
  const id = (fields: Record<string, FieldSchema>, parameters = PARAMETERS) =>
    layoutOf(event(fields), none, parameters)!.id;
  const first = id({ a: { type: "integer", min: 0, max: 9 } });
  assertEquals(id({ a: { type: "integer", min: 0, max: 9, description: "new" } }), first);
  assertNotEquals(id({ a: { type: "integer", min: 0, max: 10 } }), first);
  assertNotEquals(id({ b: { type: "integer", min: 0, max: 9 } }), first);
  assertNotEquals(id({ a: { type: "integer", min: 0, max: 9 } }, { k: 1024, registerCount: 1024 }), first);
});

Deno.test("sketchParameters() keeps the paper's K and M until memory ends, then gets coarser", () => {
  const wide: FieldSchema = { type: "integer", min: 0, max: 65_535 };
  const events = (fields: number) => [
    event(Object.fromEntries(Array.from({ length: fields }, (_, index) => [`f${index}`, wide]))),
  ];
  assertEquals(sketchParameters(events(5)), { k: 2048, registerCount: 1024 });
  assertEquals(sketchParameters(events(30))!.k < 2048, true);
  // 30 fields are 466 sketches, whose entries have at most 512 + 300 bytes each: whatever there is, it stays in memory.
  for (let count = 1; count <= 20; count++) {
    const many = Array.from({ length: count }, () => events(30)[0]!);
    assert(466 * count * sketchParameters(many)!.k * 812 <= SKETCH_MEMORY, `${count}`);
  }
  assertEquals(sketchParameters(Array.from({ length: 40 }, () => events(30)[0]!)), undefined);
  assertEquals(sketchParameters([]), { k: 2048, registerCount: 1024 });
});
