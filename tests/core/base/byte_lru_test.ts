import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ByteLru } from "../../../core/base/byte_lru.ts";
import { toHex } from "../../../core/base/bytes.ts";

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

Deno.test("ByteLru does what a map in the order of use does, whatever comes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer(), fc.array(steps, { maxLength: 200 }), (
      capacity,
      seed,
      all,
    ) => {
      const table = new ByteLru({ keyLength: 2, valueLength: 3, capacity, seed });
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

Deno.test("ByteLru takes and gives copies, and refuses other lengths", () => {
  const table = new ByteLru({ keyLength: 1, valueLength: 2, capacity: 1, seed: 7 });
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

Deno.test("ByteLru finds nothing by the beginning of a key", () => {
  for (const seed of [0, 1, -1, 0x7fffffff]) {
    const table = new ByteLru({ keyLength: 2, valueLength: 1, capacity: 1, seed });
    table.set(Uint8Array.of(1, 2), Uint8Array.of(3));
    for (const key of [[], [1], [1, 2, 0]]) {
      assertThrows(() => table.get(Uint8Array.from(key)), RangeError, `not ${key.length}`);
    }
  }
});

Deno.test("ByteLru holds one entry at least", () => {
  for (const capacity of [0, -1, 0.5, NaN, Infinity]) {
    assertThrows(() => new ByteLru({ keyLength: 1, valueLength: 1, capacity, seed: 1 }), RangeError);
  }
});

const keyOf = (number: number) => Uint8Array.of(number >> 8, number & 0xff);
const valueOf = (number: number, round: number) => Uint8Array.of(number & 0xff, number >> 8, round);

for (const capacity of [1, 2, 3, 4, 255, 256, 257]) {
  Deno.test(`ByteLru of ${capacity} is filled, cleared and filled again, and mixes nothing up`, () => {
    const table = new ByteLru({ keyLength: 2, valueLength: 3, capacity, seed: 99 });
    for (let round = 0; round < 5; round++) {
      // The numbers come in another order in each round, twice as many as there is room for.
      const numbers = Array.from({ length: 2 * capacity }, (_, index) => (index * 7_919 + round) % 65_536);
      for (const number of numbers) table.set(keyOf(number), valueOf(number, round));
      assertEquals(table.size, capacity);
      for (const [index, number] of numbers.entries()) {
        const expected = index < capacity ? undefined : valueOf(number, round);
        assertEquals(table.get(keyOf(number)), expected);
      }
      // A byte of zeros is what forgotten keys begin with as well.
      for (const first of [0, 0, 3]) table.clear(Uint8Array.of(first));
      const left = numbers.slice(capacity).filter((number) => number >> 8 !== 0 && number >> 8 !== 3);
      assertEquals(table.size, left.length);
      for (const number of left) assertEquals(table.get(keyOf(number)), valueOf(number, round));
      if (round % 2 === 0) table.clear(new Uint8Array());
      assertEquals(table.size, round % 2 === 0 ? 0 : left.length);
    }
  });
}

Deno.test("ByteLru keeps keys apart whose hashes are all the same", () => {
  // FNV-1a of two bytes from seed 0, in a table of 64 chains.
  const hash = (number: number) => {
    const all = keyOf(number).reduce((before, byte) => Math.imul(before ^ byte, 0x01000193), 0);
    return (all ^ all >>> 15) & 63;
  };
  const numbers = Array.from({ length: 65_536 }, (_, number) => number).filter((number) =>
    hash(number) === 5
  );
  const table = new ByteLru({ keyLength: 2, valueLength: 3, capacity: 63, seed: 0 });
  for (const [index, number] of numbers.entries()) {
    table.set(keyOf(number), valueOf(number, 0));
    // From the middle of the chain, its beginning and its end.
    if (index % 9 === 0) table.clear(keyOf(numbers[index - index % 5 * 3] ?? number));
    const known = numbers.slice(Math.max(0, index - 20), index + 1).map((other) => table.get(keyOf(other)));
    for (const [at, value] of known.entries()) {
      const other = numbers[Math.max(0, index - 20) + at]!;
      if (value !== undefined) assertEquals(value, valueOf(other, 0));
    }
  }
  for (const number of numbers) table.clear(keyOf(number));
  assertEquals(table.size, 0);
});
