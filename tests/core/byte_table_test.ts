import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ByteTable } from "../../core/byte_table.ts";
import { toHex } from "../../core/bytes.ts";

type Step = { readonly do: "get" | "set" | "clear"; readonly key: Uint8Array; readonly value: Uint8Array };

const steps: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom("get", "set", "set", "set", "clear"),
  // Few keys, so that they meet again.
  key: fc.tuple(fc.nat(3), fc.nat(5)).map((bytes) => Uint8Array.from(bytes)),
  value: fc.uint8Array({ minLength: 3, maxLength: 3 }),
});

/** The same as a map, whose order is that of use. */
function applyTo(model: Map<string, Uint8Array>, capacity: number, step: Step): Uint8Array | undefined {
  const name = toHex(step.key);
  const known = model.get(name);
  if (step.do === "clear") {
    for (const other of [...model.keys()]) if (other.startsWith(name.slice(0, 2))) model.delete(other);
    return undefined;
  }
  if (step.do === "get" && known === undefined) return undefined;
  model.delete(name);
  model.set(name, step.do === "set" ? step.value : known!);
  if (model.size > capacity) model.delete([...model.keys()][0]!);
  return known;
}

Deno.test("ByteTable does what a map in the order of use does, whatever comes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer(), fc.array(steps, { maxLength: 200 }), (
      capacity,
      seed,
      all,
    ) => {
      const table = new ByteTable({ keyLength: 2, valueLength: 3, capacity, seed });
      const model = new Map<string, Uint8Array>();
      for (const step of all) {
        const expected = applyTo(model, capacity, step);
        if (step.do === "get") assertEquals(table.get(step.key), expected);
        else if (step.do === "set") table.set(step.key, step.value);
        else table.clear(step.key.subarray(0, 1));
        assertEquals(table.size, model.size);
      }
      for (const [name, value] of model) assertEquals(table.get(Uint8Array.fromHex(name)), value);
    }),
  );
});

Deno.test("ByteTable takes and gives copies, and refuses other lengths", () => {
  const table = new ByteTable({ keyLength: 1, valueLength: 2, capacity: 1, seed: 7 });
  const given = Uint8Array.of(1, 2);
  table.set(Uint8Array.of(9), given);
  const got = table.get(Uint8Array.of(9))!;
  given[0] = 5;
  table.set(Uint8Array.of(8), Uint8Array.of(3, 4));
  table.clear(new Uint8Array());
  assertEquals([given, got, table.size], [Uint8Array.of(5, 2), Uint8Array.of(1, 2), 0]);
  for (const [key, value] of [[2, 2], [0, 2], [1, 1], [1, 3]] as const) {
    assertThrows(() => table.set(new Uint8Array(key), new Uint8Array(value)), RangeError);
  }
});
