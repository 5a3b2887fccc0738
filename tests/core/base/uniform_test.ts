import { assert, assertEquals, assertThrows } from "@std/assert";
import { UniformSource } from "../../../core/base/uniform.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import { chiSquareExcess } from "../../support/privacy/statistics.ts";

Deno.test("below() is uniform for bounds that are no powers of two", () => {
  const random = new UniformSource(seededRandom(1).bytes, 1024);
  for (const bound of [1, 2, 3, 10, 200, 255, 256, 257]) {
    const counts = new Array<number>(bound).fill(0);
    for (let draw = 0; draw < 400 * bound; draw++) counts[random.below(bound)]!++;
    if (bound > 1) assert(chiSquareExcess(counts, counts.map(() => 1 / bound)) < 1, `bound ${bound}`);
  }
});

Deno.test("below() and belowBig() reach all parts of ranges of any size", () => {
  const random = new UniformSource(seededRandom(2).bytes);
  const bounds = [2 ** 32, 2 ** 48 - 1, 2 ** 48, 3 * 2 ** 47, 2 ** 53 - 1, 2 ** 53];
  for (const bound of bounds) {
    const eighths = new Array<number>(8).fill(0);
    for (let draw = 0; draw < 8000; draw++) eighths[Math.floor(random.below(bound) / bound * 8)]!++;
    assert(chiSquareExcess(eighths, eighths.map(() => 1 / 8)) < 1, `bound ${bound}`);
  }
  for (const bound of [5n, 2n ** 48n + 1n, 2n ** 53n + 1n, 2n ** 64n, 3n * 2n ** 127n, 10n ** 60n]) {
    const fifths = new Array<number>(5).fill(0);
    for (let draw = 0; draw < 5000; draw++) {
      const drawn = random.belowBig(bound);
      assert(drawn >= 0n && drawn < bound);
      fifths[Number(drawn * 5n / bound)]!++;
    }
    assert(chiSquareExcess(fifths, fifths.map(() => 1 / 5)) < 1, `bound ${bound}`);
  }
});

Deno.test("coin() is fair", () => {
  const random = new UniformSource(seededRandom(3).bytes);
  let heads = 0;
  for (let draw = 0; draw < 40_000; draw++) heads += random.coin() ? 1 : 0;
  assert(Math.abs(heads - 20_000) < 3.3 * 100);
});

Deno.test("UniformSource fetches a block at a time and forgets what it has used", () => {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  const random = new UniformSource((length) => {
    blocks.push(new Uint8Array(length).fill(9));
    return blocks.at(-1)!;
  }, 4);
  for (let draw = 0; draw < 6; draw++) assertEquals(random.below(256), 9);
  assertEquals(blocks, [new Uint8Array(4), Uint8Array.of(0, 0, 9, 9)]);
});

Deno.test("below() and belowBig() refuse bounds without a range", () => {
  const random = new UniformSource(seededRandom(4).bytes);
  for (const bound of [0, -1, 1.5, NaN, 2 ** 53 + 2]) assertThrows(() => random.below(bound), RangeError);
  assertThrows(() => random.belowBig(0n), RangeError);
});
