import { assert, assertEquals, assertLess } from "@std/assert";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { exposureOf, ownersOfRare } from "../../../../core/privacy/risk/exposure.ts";
import { KHyperLogLog } from "../../../../core/privacy/sketch/khll.ts";
import { draw, zipf } from "../../../support/privacy/monitored.ts";
import { numberBytes } from "../../../support/privacy/number_bytes.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";

const DOMAIN = new ComparisonDomain(new Uint8Array(32), ["test"]);

/** Pairs of a value and a person, in a sketch and counted exactly. */
class Population {
  readonly sketch: KHyperLogLog;
  readonly #peopleOf = new Map<number, Set<number>>();

  constructor(k = 2048) {
    this.sketch = new KHyperLogLog({ k });
  }

  say(value: number, person: number): void {
    const hash = DOMAIN.hashValue(numberBytes(value));
    this.sketch.add(hash, DOMAIN.hashPseudonym(numberBytes(person)));
    const people = this.#peopleOf.get(value) ?? new Set();
    this.#peopleOf.set(value, people.add(person));
  }

  /** How many people have a rare value. */
  get exposed(): number {
    const rare = [...this.#peopleOf.values()].filter(({ size }) => size <= 2);
    return new Set(rare.flatMap((people) => [...people])).size;
  }

  exposure(without = 0) {
    return exposureOf(ownersOfRare(this.sketch, 2), without);
  }
}

Deno.test("exposureOf() counts a person with many rare values once", () => {
  const population = new Population();
  // The figures: 2,400 people who all say the same, and one whose 500 events say something else each.
  for (let person = 0; person < 2_400; person++) population.say(person % 10, person);
  for (let value = 100; value < 600; value++) population.say(value, 0);
  const { people, least, rare, sampled } = population.exposure();
  assertEquals([people, least, rare, sampled], [1, 1, 500, 510]);
  assertEquals(population.exposure(1), { people: 0, least: 0, rare: 0, sampled: 10 });
});

Deno.test("exposureOf() finds heavy users few though the sample has nothing but their values", () => {
  const population = new Population();
  // 2 % of 10,000 people have 400 values of their own each; 80,000 values, of which the sample holds 2,048.
  for (let person = 0; person < 10_000; person++) population.say(person % 10, person);
  for (let value = 100; value < 80_100; value++) population.say(value, value % 200);
  assertEquals(population.exposed, 200);
  const { people, least } = population.exposure();
  assert(Math.abs(people - 200) < 10, `${people}`);
  assert(least <= 200 && least > 180, `${least}`);
});

Deno.test("exposureOf() estimates from a sample how many have one rare value, and how surely", () => {
  const population = new Population(512);
  for (let person = 0; person < 40_000; person++) {
    population.say(person < 10_000 ? 1_000 + person : 1, person);
  }
  const { people, least } = population.exposure();
  // 512 of 10,001 values: the standard error of the estimate is 4.3 %.
  assert(Math.abs(people - 10_000) < 1_300, `${people}`);
  assert(least < 10_000 && least > 7_500, `${least}`);
});

Deno.test("exposureOf() is near the exact count where people have few or many rare values, Zipf or not", () => {
  for (const exponent of [0.5, 1, 1.5]) {
    for (const each of [1, 3, 10]) {
      const random = seededRandom(each);
      const population = new Population(256);
      const weights = zipf(4_000, exponent);
      for (let person = 0; person < 2_000; person++) {
        for (let time = 0; time < each; time++) population.say(draw(random, weights), person);
      }
      const { people, least } = population.exposure();
      const truth = population.exposed;
      const what = `${exponent}, ${each} each: ${people} (at least ${least}) for ${truth}`;
      assertLess(least, truth + 1, what);
      assert(Math.abs(people - truth) < 0.25 * truth + 60, what);
    }
  }
});

Deno.test("exposureOf() holds nothing against anybody that the accounts left out can have caused", () => {
  const population = new Population(256);
  // An account of 16 pseudonyms, each with 50 values of its own, and 500 people with one.
  for (let person = 0; person < 500; person++) population.say(100_000 + person, person);
  for (let value = 0; value < 800; value++) population.say(value, 10_000 + value % 16);
  const honest = new Population(256);
  for (let person = 0; person < 500; person++) honest.say(100_000 + person, person);
  const without = population.exposure(16);
  assertLess(without.people, honest.exposure().people + 100);
  assert(without.rare <= without.sampled);
});

Deno.test("exposureOf() takes a value out once, however many of an account's pseudonyms say it", () => {
  const population = new Population();
  // Fourteen pseudonyms of one account, seven pairs of which say the same 100 values each, and 500 people with one.
  for (let person = 0; person < 500; person++) population.say(100_000 + person, person);
  for (let value = 0; value < 700; value++) {
    for (const one of [0, 1]) population.say(value, 10_000 + 2 * Math.floor(value / 100) + one);
  }
  assertEquals(population.exposure().rare, 1_200);
  assertEquals(population.exposure(14), { people: 500, least: 500, rare: 500, sampled: 500 });
});

Deno.test("exposureOf() leaves what an account says of many others' values: they stay rare without it", () => {
  const population = new Population();
  for (let person = 0; person < 500; person++) {
    population.say(100_000 + person, person);
    population.say(100_000 + person, 10_000);
  }
  // The account's one pseudonym and 13 of the people could be one account, whose 13 values these are.
  assertEquals(population.exposure(14).rare, 487);
  assertEquals(population.exposure(1).rare, 500);
});
