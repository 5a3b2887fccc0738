/**
 * Intervals against a truth that is known: counts are noised again and again, and 95 of 100 intervals have to hold it.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UniformSource } from "../../../../core/base/uniform.ts";
import { discreteGaussian, discreteLaplace } from "../../../../core/privacy/dp/noise.ts";
import { gaussianMoments, laplaceMoments } from "../../../../core/privacy/dp/noise_sum.ts";
import {
  addUp,
  bucketQuantile,
  NO_CELLS,
  type NoisedSum,
  shareInterval,
} from "../../../../core/privacy/dp/noised_sum.ts";
import { rational } from "../../../../core/privacy/dp/rational.ts";
import { seededRandom, trials } from "../../../support/base/seeded_random.ts";

const SCALE = rational(4n), VARIANCE = rational(60n);
const NOISES = [
  {
    name: "Laplace",
    moments: laplaceMoments(SCALE),
    draw: (random: UniformSource) => discreteLaplace(SCALE, random),
  },
  {
    name: "Gauss",
    moments: gaussianMoments(VARIANCE),
    draw: (random: UniformSource) => discreteGaussian(VARIANCE, random),
  },
];

/** A sum of counts, each noised. */
function noised(counts: readonly number[], draw: () => bigint): NoisedSum {
  return addUp(counts.map((count) => ({ sum: count + Number(draw()), draws: 1, unseen: 0 })));
}

/** How often it came true. */
function rate(rounds: number, holds: () => boolean): number {
  let held = 0;
  for (let round = 0; round < rounds; round++) if (holds()) held++;
  return held / rounds;
}

for (const { name, moments, draw } of NOISES) {
  Deno.test(`shareInterval() holds the share 95 times in a hundred, also of hardly anybody: ${name}`, () => {
    const random = new UniformSource(seededRandom(21).bytes, 4_096);
    const next = () => draw(random);
    for (
      const [part, rest] of [
        [[300], [700]],
        [[300, 20, 0, 0], [500, 100, 90, 0, 0, 5]],
        [[0], [400, 30]],
        [[12], [8]],
        [[50, 50], []],
        [[3], Array.from({ length: 40 }, () => 1)],
      ]
    ) {
      const whole = [...part!, ...rest!].reduce((sum, count) => sum + count, 0);
      const truth = part!.reduce((sum, count) => sum + count, 0) / whole;
      const held = rate(trials(1_500), () => {
        const { lower, upper } = shareInterval(noised(part!, next), noised(rest!, next), moments, 0.95);
        assert(0 <= lower && lower <= upper && upper <= 1);
        return lower <= truth && truth <= upper;
      });
      assert(held > 0.935, `${name} ${part} of ${rest}: ${held}`);
    }
  });

  Deno.test(`bucketQuantile() holds the quantile's bucket 95 times in a hundred or more: ${name}`, () => {
    const random = new UniformSource(seededRandom(22).bytes, 4_096);
    const next = () => draw(random);
    for (
      const buckets of [
        [100, 400, 300, 150, 40, 10, 0],
        // The 0.9-quantile lies on an edge.
        [450, 450, 50, 50],
        [0, 0, 30, 0, 0, 0, 2],
        [5, 5, 5, 5, 5, 5],
      ]
    ) {
      const people = buckets.reduce((sum, count) => sum + count, 0);
      for (const p of [0.5, 0.9, 0.99]) {
        let upTo = 0;
        const truth = buckets.findIndex((count) => (upTo += count) >= p * people);
        const held = rate(trials(800), () => {
          const found = bucketQuantile(buckets.map((count) => noised([count], next)), p, moments, 0.95);
          if (found === undefined) return true;
          assert(found.lower <= found.bucket && found.bucket <= found.upper);
          return found.lower <= truth && truth <= found.upper;
        });
        assert(held > 0.935, `${name} ${p} of ${buckets}: ${held}`);
      }
    }
  });
}

Deno.test("the intervals hold what is in cells that nobody has seen, wherever it is", () => {
  const { moments, draw } = NOISES[0]!;
  const random = new UniformSource(seededRandom(23).bytes, 4_096);
  const next = () => draw(random);
  // 30 people each in one cell of the part, or of the rest, that were not selected.
  for (const [inPart, inRest] of [[30, 0], [0, 30], [30, 30]] as const) {
    const truth = (300 + inPart) / (1_000 + inPart + inRest);
    const held = rate(trials(600), () => {
      const part = { ...noised([300], next), unseen: 30 }, rest = { ...noised([700], next), unseen: 30 };
      const { lower, upper } = shareInterval(part, rest, moments, 0.95);
      return lower <= truth && truth <= upper;
    });
    assert(held > 0.95, `${inPart} ${inRest}: ${held}`);
  }
  const buckets = [100, 400, 380, 120];
  for (const place of [0, 1, 2, 3]) {
    const real = buckets.map((count, index) => index === place ? count + 30 : count);
    const people = real.reduce((sum, count) => sum + count, 0);
    let upTo = 0;
    const truth = real.findIndex((count) => (upTo += count) >= 0.5 * people);
    const held = rate(trials(600), () => {
      const { lower, upper } = bucketQuantile(
        buckets.map((count) => ({ ...noised([count], next), unseen: 30 })),
        0.5,
        moments,
        0.95,
      )!;
      return lower <= truth && truth <= upper;
    });
    assert(held > 0.95, `${place}: ${held}`);
  }
});

Deno.test("shareInterval() of a whole that is hardly more than noise says that it knows nothing", () => {
  const { moments } = NOISES[0]!;
  const one = (sum: number) => ({ sum, draws: 1, unseen: 0 });
  assertEquals(shareInterval(one(2), one(-1), moments, 0.95), { share: 1, lower: 0, upper: 1 });
  assertEquals(shareInterval(one(-2), one(1), moments, 0.95), { share: undefined, lower: 0, upper: 1 });
  // Where there is nobody else, whatever the noise.
  const { share, lower, upper } = shareInterval(one(1_000), NO_CELLS, moments, 0.95);
  assertEquals([share, upper], [1, 1]);
  assert(lower > 0.999_999_9);
});

Deno.test("bucketQuantile() of nobody is undefined, and so is none of a quantile that is none", () => {
  const { moments } = NOISES[0]!;
  assertEquals(bucketQuantile([NO_CELLS, { sum: -3, draws: 1, unseen: 0 }], 0.5, moments, 0.95), undefined);
  assertThrows(() => bucketQuantile([NO_CELLS], 1, moments, 0.95), RangeError);
});
