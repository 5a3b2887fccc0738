import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  collisionBound,
  hash,
  type LocalDp,
  localDp,
  randomise,
  reportCount,
  truthProbability,
} from "../../../../core/privacy/dp/local_dp.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import { chiSquareExcess } from "../../../support/privacy/statistics.ts";

const EPSILONS = [0.5, 1, 2, 4];

/** n times the variance of a rare value's frequency (Wang et al. 2017, equations 3 and 5). */
function scaledVariance({ mechanism, epsilon, hashRange, domainSize }: LocalDp): number {
  const e = Math.exp(epsilon);
  return mechanism === "grr"
    ? (e + domainSize - 2) / (e - 1) ** 2
    : (e - 1 + hashRange) ** 2 / ((e - 1) ** 2 * (hashRange - 1));
}

Deno.test("localDp() changes over where the variances cross, at d = 3 e^eps + 2", () => {
  for (const epsilon of [0.1, ...EPSILONS]) {
    const crossing = 3 * Math.exp(epsilon) + 2;
    assertEquals(localDp(epsilon, Math.ceil(crossing) - 1).mechanism, "grr");
    assertEquals(localDp(epsilon, Math.floor(crossing) + 1).mechanism, "olh");
    const optimum = 4 * Math.exp(epsilon) / Math.expm1(epsilon) ** 2;
    assert(scaledVariance(localDp(epsilon, Math.ceil(crossing) - 1)) < optimum);
  }
});

Deno.test("localDp() takes a hash range whose variance is within 5 % of the optimum, up to epsilon 5.5", () => {
  for (let epsilon = 0.01; epsilon <= 5.5; epsilon += 0.01) {
    const mechanism = localDp(epsilon, 65536);
    assert(scaledVariance(mechanism) < 1.05 * 4 * Math.exp(epsilon) / Math.expm1(epsilon) ** 2);
    assert(mechanism.seedCount <= 256);
  }
});

Deno.test("localDp() refuses parameters out of range", () => {
  // At 1e-16 rounding makes the truth less likely than a lie, and every estimate would have the wrong sign.
  for (const epsilon of [0, -1, 1e-16, 0.0009, 20.1, NaN]) {
    assertThrows(() => localDp(epsilon, 4), RangeError, "epsilon");
  }
  for (const size of [1, 65537, 2.5, NaN]) assertThrows(() => localDp(1, size), RangeError, "values");
});

Deno.test("hash() makes every two of up to 256 values collide under exactly 1 / g of the seeds", () => {
  for (const epsilon of [0.1, ...EPSILONS]) {
    const field = localDp(epsilon, 300).seedCount;
    const mechanism = localDp(epsilon, field);
    assertEquals(collisionBound(mechanism), 0);
    const { seedCount, hashRange } = mechanism;
    const hashes = Array.from(
      { length: field },
      (_, value) => Uint8Array.from({ length: seedCount }, (_, seed) => hash(mechanism, seed, value)),
    );
    for (const [index, row] of hashes.entries()) {
      assert(row.every((hashed) => hashed < hashRange));
      for (const other of hashes.slice(index + 1)) {
        let collisions = 0;
        for (let seed = 0; seed < seedCount; seed++) collisions += row[seed] === other[seed] ? 1 : 0;
        assertEquals(collisions * hashRange, seedCount);
      }
    }
  }
});

Deno.test("hash() on large domains stays within Weil's bound, and its mean square is that of random functions", () => {
  for (
    const [epsilon, domainSize] of [[0.5, 3000], [0.5, 65536], [1, 3000], [1, 65536], [4, 65536]] as const
  ) {
    const mechanism = localDp(epsilon, domainSize);
    const { seedCount, hashRange: g } = mechanism;
    const random = seededRandom(domainSize);
    const pairs = 3000;
    let squares = 0;
    for (let pair = 0; pair < pairs; pair++) {
      const first = random.uint32() % domainSize;
      const second = (first + 1 + random.uint32() % (domainSize - 1)) % domainSize;
      let collisions = 0;
      for (let seed = 0; seed < seedCount; seed++) {
        collisions += hash(mechanism, seed, first) === hash(mechanism, seed, second) ? 1 : 0;
      }
      const deviation = collisions / seedCount - 1 / g;
      assert(Math.abs(deviation) <= (1 - 1 / g) * collisionBound(mechanism), `${first}, ${second}`);
      squares += deviation ** 2;
    }
    const expected = (g - 1) / g ** 2 / seedCount;
    assert(squares / pairs < 1.15 * expected, `${squares / pairs / expected}`);
  }
});

Deno.test("truthProbability() never makes the loss greater than epsilon, and loses next to nothing", () => {
  for (const epsilon of [0.001, ...EPSILONS, 10, 20]) {
    for (const domainSize of [2, 3, 100, 65536]) {
      const mechanism = localDp(epsilon, domainSize);
      const p = truthProbability(mechanism);
      const units = p * 2 ** 53;
      assert(Number.isInteger(units));
      // e^eps to 60 digits would settle it; a relative 2^-52 is the error of Math.exp.
      const ratio = units * (mechanism.hashRange - 1) / (2 ** 53 - units);
      assert(ratio <= Math.exp(epsilon) * (1 + 2 ** -52), `${epsilon}, ${domainSize}`);
      assert(ratio >= Math.exp(epsilon) * (1 - 1e-6), `${epsilon}, ${domainSize}: ${ratio}`);
    }
  }
});

Deno.test("randomise() reports with the mechanism's exact distribution, by chi-square", () => {
  for (
    const [epsilon, domainSize, value] of [[0.5, 5, 3], [2, 2, 0], [0.5, 40, 17], [1, 1000, 999]] as const
  ) {
    const mechanism = localDp(epsilon, domainSize);
    const random = seededRandom(domainSize);
    const count = 40 * reportCount(mechanism) + 20_000;
    const observed = new Array<number>(reportCount(mechanism)).fill(0);
    for (let draw = 0; draw < count; draw++) observed[randomise(mechanism, value, random.bytes)]!++;
    const p = truthProbability(mechanism);
    const { seedCount, hashRange } = mechanism;
    const expected = observed.map((_, report) => {
      const tells = report % hashRange === hash(mechanism, Math.floor(report / hashRange), value);
      return (tells ? p : (1 - p) / (hashRange - 1)) / seedCount;
    });
    const excess = chiSquareExcess(observed, expected);
    assert(excess < 1, `${mechanism.mechanism} at ${epsilon}: ${excess}`);
  }
});

Deno.test("randomise() reports the same for the same random bytes, so that a keyed stream memoises", () => {
  const mechanism = localDp(1, 500);
  assertEquals(
    randomise(mechanism, 77, seededRandom(5).bytes),
    randomise(mechanism, 77, seededRandom(5).bytes),
  );
});

Deno.test("randomise() refuses values outside the domain without repeating them", () => {
  const mechanism = localDp(1, 4);
  for (const value of [-1, 4, 1.5, NaN]) {
    assertThrows(() => randomise(mechanism, value, seededRandom(1).bytes), RangeError, "outside 0..3");
  }
});
