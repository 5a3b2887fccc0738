import { assert, assertEquals, assertThrows } from "@std/assert";
import { DecodeError } from "../../../../core/base/bytes.ts";
import type { Hash64 } from "../../../../core/privacy/sketch/hash64.ts";
import { EXACT_LIMIT, HyperLogLog } from "../../../../core/privacy/sketch/hyperloglog.ts";
import { type SeededRandom, seededRandom, trials } from "../../../support/base/seeded_random.ts";

function draw(random: SeededRandom): Hash64 {
  return { high: random.uint32(), low: random.uint32() };
}

function bytesOf(sketch: HyperLogLog): Uint8Array {
  const bytes = new Uint8Array(sketch.byteLength);
  sketch.write(bytes, 0);
  return bytes;
}

function sketchOf(ids: Iterable<Hash64>): HyperLogLog {
  const sketch = new HyperLogLog();
  for (const id of ids) sketch.add(id);
  return sketch;
}

Deno.test("add() counts exactly up to 64 pseudonyms, each once", () => {
  const random = seededRandom(1);
  const ids = Array.from({ length: EXACT_LIMIT }, () => draw(random));
  const sketch = new HyperLogLog();
  for (const [index, id] of ids.entries()) {
    sketch.add(id);
    for (const known of ids.slice(0, index + 1)) sketch.add(known);
    assertEquals(sketch.cardinality(), index + 1);
  }
  assert(sketch.isExact);
  sketch.add(draw(random));
  assert(!sketch.isExact);
});

Deno.test("hasAtMost() is exact up to 64 and estimates beyond", () => {
  const random = seededRandom(7);
  const sketch = sketchOf(Array.from({ length: 64 }, () => draw(random)));
  assert(sketch.hasAtMost(64) && !sketch.hasAtMost(63));
  sketch.add(draw(random));
  assert(!sketch.hasAtMost(64) && sketch.hasAtMost(80));
});

Deno.test("add() tells hashes apart that share a half", () => {
  const ids = [{ high: 1, low: 2 }, { high: 1, low: 3 }, { high: 2, low: 2 }, { high: 0xffffffff, low: 2 }];
  assertEquals(sketchOf([...ids, ...ids]).cardinality(), 4);
});

Deno.test("cardinality() has a bias of about 1 / M and a standard error of 1.04 / sqrt(M) from 65 pseudonyms on", () => {
  const random = seededRandom(2);
  const rounds = trials(200);
  for (
    const [count, registerCount] of [[100, 1024], [1000, 1024], [3000, 1024], [30_000, 1024], [
      3000,
      64,
    ]] as const
  ) {
    let sum = 0, squares = 0;
    for (let round = 0; round < rounds; round++) {
      const sketch = new HyperLogLog(registerCount);
      for (let index = 0; index < count; index++) sketch.add(draw(random));
      const error = sketch.cardinality() / count - 1;
      sum += error;
      squares += error * error;
    }
    const expected = 1.04 / Math.sqrt(registerCount);
    const deviation = Math.sqrt(squares / rounds);
    // The estimator's constant is that of infinitely many registers, which leaves a bias of the order 1 / M.
    const most = 1.5 / registerCount + 4.5 * expected / Math.sqrt(rounds);
    assert(Math.abs(sum / rounds) < most, `bias ${sum / rounds} at ${count}`);
    assert(deviation < 1.1 * expected, `standard error ${deviation} at ${count}`);
  }
});

Deno.test("add() puts the position of the first one after the register's bits into that register", () => {
  const sketch = new HyperLogLog(16);
  // 65 hashes of register 0 with rank 1 make it a set of registers.
  for (let low = 0; low <= EXACT_LIMIT; low++) sketch.add({ high: 0x08000000, low });
  sketch.add({ high: 0x10000001, low: 0 });
  sketch.add({ high: 0x20000000, low: 0x80000000 });
  sketch.add({ high: 0x30000000, low: 1 });
  sketch.add({ high: 0xf0000000, low: 0 });
  sketch.add({ high: 0xffffffff, low: 0 });
  assertEquals([...bytesOf(sketch)], [0xff, 1, 28, 29, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 61]);
});

Deno.test("cardinality() holds far beyond the registers' number", () => {
  const random = seededRandom(3);
  const sketch = new HyperLogLog();
  for (let index = 0; index < 2_000_000; index++) sketch.add(draw(random));
  assert(Math.abs(sketch.cardinality() / 2_000_000 - 1) < 3 * 1.04 / 32);
});

Deno.test("merge() gives the bytes of the union, whatever the order and the sizes", () => {
  const random = seededRandom(4);
  for (const sizes of [[3, 4], [40, 40], [64, 1], [64, 64], [10, 500], [500, 10], [500, 700]]) {
    const [first, second] = sizes.map((size) => Array.from({ length: size }, () => draw(random)));
    const union = bytesOf(sketchOf([...second!, ...first!, ...second!]));
    const forth = sketchOf(first!);
    forth.merge(sketchOf(second!));
    const back = sketchOf(second!);
    back.merge(sketchOf(first!));
    assertEquals(bytesOf(forth), union);
    assertEquals(bytesOf(back), union);
  }
});

Deno.test("merge() leaves its argument and clones alone", () => {
  const random = seededRandom(5);
  for (const size of [5, 500]) {
    const sketch = sketchOf(Array.from({ length: size }, () => draw(random)));
    const before = bytesOf(sketch);
    const copy = sketch.clone();
    copy.merge(sketchOf(Array.from({ length: 900 }, () => draw(random))));
    copy.add(draw(random));
    assertEquals(bytesOf(sketch), before);
  }
});

Deno.test("merge() and HyperLogLog refuse unfit registers", () => {
  assertThrows(
    () => new HyperLogLog(64).merge(new HyperLogLog(128)),
    RangeError,
    "128 registers instead of 64",
  );
  for (const count of [0, 8, 1000, 32768, 1.5, NaN]) assertThrows(() => new HyperLogLog(count), RangeError);
});

Deno.test("read() gives back what write() wrote, at any offset", () => {
  const random = seededRandom(6);
  for (const size of [0, 1, 64, 65, 3000]) {
    const sketch = sketchOf(Array.from({ length: size }, () => draw(random)));
    const bytes = new Uint8Array(sketch.byteLength + 5);
    sketch.write(bytes, 3);
    const copy = HyperLogLog.read(bytes, 3, 1024);
    assertEquals(bytesOf(copy), bytesOf(sketch));
    assertEquals(copy.cardinality(), sketch.cardinality());
    // What was read goes on like the original.
    const next = draw(random);
    sketch.add(next);
    copy.add(next);
    assertEquals(bytesOf(copy), bytesOf(sketch));
  }
});

Deno.test("read() refuses what no sketch writes", () => {
  const cases: [string, number[]][] = [
    ["ends early", []],
    ["ends early", [2, ...new Array(15).fill(0)]],
    ["ends early", [0xff, ...new Array(15).fill(1)]],
    ["65 is neither", [65, ...new Array(65 * 8).fill(0)]],
    ["strictly ascending", [2, ...new Array(16).fill(0)]],
    ["strictly ascending", [2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9]],
    ["all registers are empty", [0xff, ...new Array(16).fill(0)]],
    ["greatest rank", [0xff, 62, ...new Array(15).fill(0)]],
  ];
  for (const [message, bytes] of cases) {
    assertThrows(() => HyperLogLog.read(Uint8Array.from(bytes), 0, 16), DecodeError, message);
  }
});
