import { assert, assertEquals, assertThrows } from "@std/assert";
import { DecodeError, u32 } from "../../../../core/base/bytes.ts";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { type KhllParameters, KHyperLogLog } from "../../../../core/privacy/sketch/khll.ts";
import {
  deserialize,
  serialize,
  serializeChunk,
  serializeChunks,
} from "../../../../core/privacy/sketch/khll_codec.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";

const MAXIMUM_LENGTH = 60 * 1024;

const DEFAULTS: KhllParameters = { k: 2048, registerCount: 1024 };
const SMALL: KhllParameters = { k: 8, registerCount: 16 };

/** Random values with random pseudonyms: some with few, some with more than are kept exactly. */
function filled(parameters: KhllParameters, seed: number, values: number, pairs: number): KHyperLogLog {
  const random = seededRandom(seed);
  const domain = new ComparisonDomain(new Uint8Array(32), ["codec"]);
  const sketch = new KHyperLogLog(parameters);
  for (let pair = 0; pair < pairs; pair++) {
    const value = Math.floor(random.unit() ** 3 * values);
    sketch.add(domain.hashValue(u32(value)), domain.hashPseudonym(u32(random.uint32())));
  }
  return sketch;
}

/** As large as a sketch can be: K values, all of them with registers. */
function largest(): KHyperLogLog {
  const domain = new ComparisonDomain(new Uint8Array(32), ["codec"]);
  const sketch = new KHyperLogLog();
  for (let value = 0; value < 4000; value++) {
    const hash = domain.hashValue(u32(value));
    for (let id = 0; id < 65; id++) sketch.add(hash, domain.hashPseudonym(u32(id)));
  }
  return sketch;
}

Deno.test("deserialize() gives back what serialize() wrote", () => {
  for (const pairs of [0, 1, 100, 20_000]) {
    const bytes = serialize(filled(DEFAULTS, 1, 5000, pairs));
    assertEquals(serialize(deserialize(bytes, DEFAULTS)), bytes);
    // From a view at an odd offset, as a store may give it.
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    assertEquals(serialize(deserialize(padded.subarray(3), DEFAULTS)), bytes);
  }
});

Deno.test("serialize() writes the documented bytes", () => {
  const sketch = new KHyperLogLog(SMALL);
  sketch.add({ high: 0x01020304, low: 0x05060708 }, { high: 2, low: 1 });
  sketch.add({ high: 0x01020304, low: 0x05060708 }, { high: 1, low: 0xffffffff });
  // deno-fmt-ignore
  assertEquals(serialize(sketch), Uint8Array.of(
    1, 4, 0, 8, 0, 0, 0, 1, 0, 1,
    1, 2, 3, 4, 5, 6, 7, 8, 2, 0, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0, 2, 0, 0, 0, 1,
  ));
});

Deno.test("serializeChunks() of the largest sketch stays under 60 KiB a chunk, and the chunks merge into the sketch", () => {
  const sketch = largest();
  const whole = serialize(sketch);
  assertEquals(whole.length, 10 + 2048 * (8 + 1 + 1024));
  const chunks = serializeChunks(sketch, { maximumLength: MAXIMUM_LENGTH });
  assert(chunks.every((chunk) => chunk.length <= MAXIMUM_LENGTH));
  assert(chunks.length <= 128, `${chunks.length} chunks`);
  const merged = new KHyperLogLog();
  for (const chunk of chunks.toReversed()) merged.merge(deserialize(chunk, DEFAULTS));
  assertEquals(serialize(merged), whole);
});

Deno.test("serializeChunks() writes one chunk for a small sketch, or as many as the store has", () => {
  const sketch = filled(DEFAULTS, 2, 50, 1000);
  assertEquals(serializeChunks(sketch, { maximumLength: MAXIMUM_LENGTH }), [serialize(sketch)]);
  const chunks = serializeChunks(sketch, { maximumLength: MAXIMUM_LENGTH, minimumCount: 16 });
  assertEquals(chunks.length, 16);
  assertEquals(chunks, Array.from({ length: 16 }, (_, chunk) => serializeChunk(sketch, chunk, 16)));
});

Deno.test("chunks of two writers merge one by one into the sketch of both, whatever each one's count", () => {
  const first = filled(DEFAULTS, 3, 9000, 30_000), second = filled(DEFAULTS, 4, 9000, 30_000);
  const union = new KHyperLogLog();
  union.merge(first);
  union.merge(second);
  // Row by row, as a store would: what is there is read, merged and written back.
  const stored = serializeChunks(first, { maximumLength: MAXIMUM_LENGTH, minimumCount: 8 });
  for (
    const [chunk, bytes] of serializeChunks(second, { maximumLength: MAXIMUM_LENGTH, minimumCount: 8 })
      .entries()
  ) {
    const row = deserialize(stored[chunk]!, DEFAULTS);
    row.merge(deserialize(bytes, DEFAULTS));
    stored[chunk] = serializeChunk(row, chunk, 8);
  }
  // And a writer that split finer.
  const third = filled(DEFAULTS, 5, 9000, 30_000);
  union.merge(third);
  const read = new KHyperLogLog();
  for (
    const bytes of [...stored, ...serializeChunks(third, { maximumLength: MAXIMUM_LENGTH, minimumCount: 32 })]
  ) {
    read.merge(deserialize(bytes, DEFAULTS));
  }
  assertEquals(serialize(read), serialize(union));
});

Deno.test("serializeChunks() refuses counts that are no powers of two, and limits below one entry", () => {
  const sketch = largest();
  for (const minimumCount of [0, 3, 65536, 1.5]) {
    assertThrows(
      () => serializeChunks(sketch, { maximumLength: MAXIMUM_LENGTH, minimumCount }),
      RangeError,
      "no power of two",
    );
  }
  assertThrows(() => serializeChunks(sketch, { maximumLength: 1000 }), RangeError, "does not fit into 1000");
  assertThrows(() => serializeChunk(sketch, 4, 4), RangeError, "outside 0..3");
});

Deno.test("deserialize() refuses what serialize() never writes", () => {
  const header = (...tail: number[]) => Uint8Array.of(1, 4, 0, 8, ...tail);
  const entry = (low: number) => [0, 0, 0, 0, 0, 0, 0, low, 1, 0, 0, 0, 0, 0, 0, 0, 0];
  const cases: [string, Uint8Array][] = [
    ["ends early", new Uint8Array(9)],
    ["unknown version", Uint8Array.of(2, 4, 0, 8, 0, 0, 0, 1, 0, 0)],
    ["parameters", Uint8Array.of(1, 5, 0, 8, 0, 0, 0, 1, 0, 0)],
    ["parameters", Uint8Array.of(1, 4, 0, 9, 0, 0, 0, 1, 0, 0)],
    ["no such chunk", header(0, 0, 0, 0, 0, 0)],
    ["no such chunk", header(0, 0, 0, 3, 0, 0)],
    ["no such chunk", header(0, 2, 0, 2, 0, 0)],
    ["more than K", header(0, 0, 0, 1, 0, 9)],
    ["ends early", header(0, 0, 0, 1, 0, 1)],
    ["ends early", header(0, 0, 0, 1, 0, 1, ...entry(1).slice(0, 8))],
    ["left over", header(0, 0, 0, 1, 0, 0, 0)],
    ["another chunk", header(0, 0, 0, 2, 0, 1, ...entry(1))],
    ["no pseudonym", header(0, 0, 0, 1, 0, 1, ...entry(1).slice(0, 8), 0)],
    ["not strictly ascending", header(0, 0, 0, 1, 0, 2, ...entry(2), ...entry(1))],
    ["not strictly ascending", header(0, 0, 0, 1, 0, 2, ...entry(2), ...entry(2))],
  ];
  for (const [message, bytes] of cases) {
    assertThrows(() => deserialize(bytes, SMALL), DecodeError, message);
  }
});

Deno.test("deserialize() of damaged bytes either refuses or reads a sketch with exactly these bytes", () => {
  const random = seededRandom(8);
  const original = serialize(filled(SMALL, 9, 30, 600));
  let refused = 0;
  for (let trial = 0; trial < 3000; trial++) {
    const bytes = original.slice(0, trial % 3 === 0 ? random.uint32() % original.length : original.length);
    for (let damage = random.uint32() % 3; damage >= 0 && bytes.length > 0; damage--) {
      bytes[random.uint32() % bytes.length] = random.uint32();
    }
    try {
      const chunk = (bytes[4]! << 8) + bytes[5]!, count = (bytes[6]! << 8) + bytes[7]!;
      assertEquals(serializeChunk(deserialize(bytes, SMALL), chunk, count), bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      refused++;
    }
  }
  assert(refused > 1000 && refused < 3000);
});
