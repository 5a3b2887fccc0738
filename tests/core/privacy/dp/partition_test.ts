import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { PartitionSelection } from "../../../../core/privacy/dp/partition.ts";
import { rational, rationalOf } from "../../../../core/privacy/dp/rational.ts";
import { UniformSource } from "../../../../core/base/uniform.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";

/** Theorem 2 of Desfontaines et al. (2022), in floating point. */
function closedForm(epsilon: number, delta: number): (people: number) => number {
  const e = Math.exp(epsilon);
  const n1 = 1 + Math.floor(Math.log((e + 2 * delta - 1) / ((e + 1) * delta)) / epsilon);
  const rising = (n: number) => Math.expm1(n * epsilon) / Math.expm1(epsilon) * delta;
  const n2 = n1 + Math.floor(Math.log1p((e - 1) / delta * (1 - rising(n1))) / epsilon);
  return (n) => {
    if (n <= n1) return rising(n);
    if (n > n2) return 1;
    const m = Math.exp(-(n - n1) * epsilon);
    return (1 - m) * (1 + delta / (e - 1)) + m * rising(n1);
  };
}

Deno.test("keepProbability() is the closed form", () => {
  for (const [epsilon, delta] of [[1, 1e-5], [0.5, 1e-6], [0.1, 1e-9], [3, 1e-3], [8, 1e-12]] as const) {
    const selection = new PartitionSelection({ epsilon: rationalOf(epsilon), delta: rationalOf(delta) });
    const expected = closedForm(epsilon, delta);
    for (let people = 0; people <= selection.certainFrom + 3; people++) {
      assertAlmostEquals(selection.keepProbability(people), expected(people), 1e-12);
    }
  }
});

Deno.test("keepProbability() at epsilon 1 and delta 10^-5 passes 50 % at 12 people and is certain at 23", () => {
  const selection = new PartitionSelection({ epsilon: rational(1n), delta: rationalOf(1e-5) });
  assertEquals(selection.keepProbability(0), 0);
  assertAlmostEquals(selection.keepProbability(1), 1e-5, 1e-18);
  assert(selection.keepProbability(11) < 0.5 && selection.keepProbability(12) >= 0.5);
  assert(selection.keepProbability(22) < 1);
  assertEquals(selection.keepProbability(23), 1);
  assertEquals(selection.certainFrom, 23);
  assertEquals(selection.keepProbability(1_000_000), 1);
});

Deno.test("keepProbability() is (epsilon, delta)-private between any two neighbours", () => {
  for (const [epsilon, delta] of [[1, 1e-5], [0.05, 1e-8], [2.5, 0.01]] as const) {
    const selection = new PartitionSelection({ epsilon: rationalOf(epsilon), delta: rationalOf(delta) });
    // What the probabilities lose as floating-point numbers.
    const slack = 1e-14;
    for (let people = 1; people <= selection.certainFrom + 1; people++) {
      const before = selection.keepProbability(people - 1), after = selection.keepProbability(people);
      assert(after >= before);
      assert(after <= Math.exp(epsilon) * before + delta + slack);
      assert(1 - before <= Math.exp(epsilon) * (1 - after) + delta + slack);
    }
  }
});

Deno.test("PartitionSelection divides the loss among a person's cells", () => {
  const divided = new PartitionSelection({
    epsilon: rational(3n),
    delta: rationalOf(3e-5),
    cellsPerPerson: 3,
  });
  const single = new PartitionSelection({ epsilon: rational(1n), delta: rationalOf(1e-5) });
  assertEquals(divided.certainFrom, single.certainFrom);
  for (let people = 0; people < 23; people++) {
    assertEquals(divided.keepProbability(people), single.keepProbability(people));
  }
});

Deno.test("PartitionSelection never keeps a cell below the least number of people", () => {
  const selection = new PartitionSelection({
    epsilon: rational(8n),
    delta: rationalOf(0.5),
    minimumPeople: 20,
  });
  const random = new UniformSource(seededRandom(1).bytes);
  for (let people = 0; people < 20; people++) {
    assertEquals(selection.keepProbability(people), 0);
    assert(!selection.keeps(people, random));
  }
  assert(selection.keepProbability(20) >= 0.5);
  assertEquals(selection.keepProbability(selection.certainFrom), 1);
  assert(selection.keepProbability(selection.certainFrom - 1) < 1);
});

Deno.test("keeps() decides with the probability it says", () => {
  const selection = new PartitionSelection({ epsilon: rational(1n), delta: rationalOf(1e-5) });
  const random = new UniformSource(seededRandom(2).bytes, 4096);
  const trials = 10_000;
  for (const people of [9, 11, 12, 13, 22, 23]) {
    const p = selection.keepProbability(people);
    let kept = 0;
    for (let trial = 0; trial < trials; trial++) kept += selection.keeps(people, random) ? 1 : 0;
    assert(Math.abs(kept / trials - p) <= 3.3 * Math.sqrt(p * (1 - p) / trials), `${people}: ${kept}`);
  }
});

Deno.test("PartitionSelection refuses parameters without a meaning", () => {
  const epsilon = rational(1n), delta = rationalOf(1e-5);
  assertThrows(() => new PartitionSelection({ epsilon: rational(0n), delta }), RangeError, "epsilon");
  for (const wrong of [rational(0n), rational(1n), rational(-1n, 2n)]) {
    assertThrows(() => new PartitionSelection({ epsilon, delta: wrong }), RangeError, "delta");
  }
  assertThrows(() => new PartitionSelection({ epsilon, delta, cellsPerPerson: 0 }), RangeError, "0 cells");
  assertThrows(
    () => new PartitionSelection({ epsilon, delta, minimumPeople: 1.5 }),
    RangeError,
    "1.5 people",
  );
  const tiny = { epsilon: rationalOf(1e-9), delta: rationalOf(1e-12) };
  assertThrows(() => new PartitionSelection(tiny), RangeError, "more than 100000 people");
  assertThrows(() => new PartitionSelection({ epsilon, delta }).keepProbability(-1), RangeError);
});
