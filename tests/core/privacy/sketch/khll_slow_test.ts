import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { HyperLogLog } from "../../../../core/privacy/sketch/hyperloglog.ts";
import { KHyperLogLog } from "../../../../core/privacy/sketch/khll.ts";
import { serialize } from "../../../../core/privacy/sketch/khll_codec.ts";
import { numberBytes } from "../../../support/privacy/number_bytes.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import { quantile } from "../../../support/privacy/statistics.ts";

const TRIALS = 200;
const K = 2048;

/** A domain of its own for each trial: only the key varies. */
function domainOf(trial: number): ComparisonDomain {
  return new ComparisonDomain(seededRandom(trial).bytes(32), ["trial"]);
}

Deno.test("cardinality() is exact up to K values", () => {
  const domain = domainOf(0);
  const sketch = new KHyperLogLog();
  for (let value = 0; value < K - 1; value++) {
    for (let repeat = 0; repeat < 2; repeat++) {
      sketch.add(domain.hashValue(numberBytes(value)), domain.hashPseudonym(numberBytes(repeat)));
    }
  }
  assertEquals(sketch.cardinality(), K - 1);
});

Deno.test("cardinality() over 200 keys: median, 5 % and 95 % are where a standard error of 1 / sqrt(K) puts them", () => {
  const standardError = 1 / Math.sqrt(K);
  const count = 10_000;
  const errors: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    const domain = domainOf(trial);
    const sketch = new KHyperLogLog();
    const pseudonym = domain.hashPseudonym(numberBytes(0));
    for (let value = 0; value < count; value++) sketch.add(domain.hashValue(numberBytes(value)), pseudonym);
    errors.push(sketch.cardinality() / count - 1);
  }
  assert(Math.abs(quantile(errors, 0.5)) < 0.25 * standardError, `median ${quantile(errors, 0.5)}`);
  for (const p of [0.05, 0.95]) {
    // 1.645 standard errors, and the quantile's own error over 200 trials.
    const reached = Math.abs(quantile(errors, p)) / standardError;
    assert(reached < 2.1, `${p}: ${reached} standard errors`);
  }
  // And no less than sampling K of the values makes it: an exact count would be a sketch without a bound.
  assert(quantile(errors, 0.95) - quantile(errors, 0.05) > 2 * standardError);
});

Deno.test("reidentificationPotential() over 200 keys is the share of values within a binomial sample's error", () => {
  // Of 6,000 values 30 % are seen with one pseudonym, 20 % with three and the others with 100 (beyond the exact set).
  const count = 6000;
  const registerCount = 64;
  const shares = { 1: [] as number[], 3: [] as number[], 64: [] as number[] };
  for (let trial = 0; trial < TRIALS; trial++) {
    const domain = domainOf(trial);
    const pseudonyms = Array.from({ length: 100 }, (_, id) => domain.hashPseudonym(numberBytes(id)));
    const many = new HyperLogLog(registerCount);
    for (const pseudonym of pseudonyms) many.add(pseudonym);
    const sketch = new KHyperLogLog({ registerCount });
    for (let value = 0; value < count; value++) {
      const hash = domain.hashValue(numberBytes(value));
      const seen = value % 10 < 3 ? 1 : value % 10 < 5 ? 3 : 100;
      if (seen === 100) sketch.addAll(hash, many);
      else for (const pseudonym of pseudonyms.slice(0, seen)) sketch.add(hash, pseudonym);
    }
    for (const k of [1, 3, 64] as const) {
      const { matching, sampled } = sketch.reidentificationPotential(k);
      assertEquals(sampled, K);
      shares[k].push(matching / sampled);
    }
  }
  for (const [k, share] of [[1, 0.3], [3, 0.5], [64, 0.5]] as const) {
    const standardError = Math.sqrt(share * (1 - share) / K);
    assert(Math.abs(quantile(shares[k], 0.5) - share) < 0.3 * standardError, `median of ${k}`);
    for (const p of [0.05, 0.95]) {
      assert(Math.abs(quantile(shares[k], p) - share) < 2.1 * standardError, `${p} of ${k}`);
    }
  }
});

Deno.test("uniquenessDistribution() on r^2-skewed pairs is within 10 % of the exact counts", () => {
  for (const [seed, count] of [[1, 1000], [2, 100_000]] as const) {
    const random = seededRandom(seed);
    const domain = domainOf(seed);
    const sketch = new KHyperLogLog();
    const exact = new Map<number, Set<number>>();
    const skewed = (range: number) => Math.floor(random.unit() ** 2 * range);
    for (let index = 0; index < count; index++) {
      const pseudonym = skewed(256), value = skewed(count);
      sketch.add(domain.hashValue(numberBytes(value)), domain.hashPseudonym(numberBytes(pseudonym)));
      exact.set(value, (exact.get(value) ?? new Set()).add(pseudonym));
    }
    const estimated = sketch.uniquenessDistribution();
    assertEquals(estimated.reduce((sum, { values }) => sum + values, 0), sketch.size);
    for (let k = 1; k < 256; k++) {
      const truth = [...exact.values()].filter((seen) => seen.size <= k).length / exact.size;
      const { matching, sampled } = sketch.reidentificationPotential(k);
      const cumulative = estimated.filter((step) => step.pseudonyms <= k)
        .reduce((sum, { values }) => sum + values, 0) / sampled;
      assert(Math.abs(matching / sampled - truth) <= 0.1 * truth, `potential at ${k} of ${count}`);
      assert(Math.abs(cumulative - truth) <= 0.1 * truth, `distribution at ${k} of ${count}`);
    }
  }
});

Deno.test("reidentificationPotential() of a small domain is exact", () => {
  const domain = domainOf(1);
  const sketch = new KHyperLogLog();
  const seen = { linux: 50, darwin: 3, plan9: 1 };
  for (const [index, count] of Object.values(seen).entries()) {
    for (let id = 0; id < count; id++) {
      sketch.add(domain.hashValue(numberBytes(index)), domain.hashPseudonym(numberBytes(id)));
    }
  }
  assertEquals(sketch.reidentificationPotential(0), { matching: 0, sampled: 3 });
  assertEquals(sketch.reidentificationPotential(1), { matching: 1, sampled: 3 });
  assertEquals(sketch.reidentificationPotential(3), { matching: 2, sampled: 3 });
  assertEquals(sketch.reidentificationPotential(50), { matching: 3, sampled: 3 });
  assertEquals(sketch.uniquenessDistribution(), [
    { pseudonyms: 1, values: 1 },
    { pseudonyms: 3, values: 1 },
    { pseudonyms: 50, values: 1 },
  ]);
});

Deno.test("add() keeps the K smallest hashes with all pseudonyms that ever came with them", () => {
  const random = seededRandom(7);
  const sketch = new KHyperLogLog({ k: 16, registerCount: 16 });
  const pairs = Array.from({ length: 3000 }, () => ({
    // Few distinct high halves, so that the order by the low half counts too.
    value: { high: random.uint32() % 50, low: random.uint32() % 6 },
    pseudonym: { high: 1, low: random.uint32() % 40 },
  }));
  for (const { value, pseudonym } of pairs) sketch.add(value, pseudonym);
  const keys = [...new Set(pairs.map(({ value }) => value.high * 2 ** 32 + value.low))].toSorted((a, b) =>
    a - b
  );
  assertEquals(sketch.size, 16);
  for (const [index, key] of keys.slice(0, 16).entries()) {
    const { high, low } = sketch.hashAt(index);
    assertEquals(high * 2 ** 32 + low, key);
    const truth = new Set(
      pairs.filter(({ value }) => value.high === high && value.low === low).map(({ pseudonym }) =>
        pseudonym.low
      ),
    );
    assertEquals(sketch.pseudonymsAt(index).cardinality(), truth.size);
  }
});

Deno.test("merge() gives byte-identical sketches in any order and grouping", () => {
  for (const [k, registerCount, pairs] of [[2048, 1024, 60_000], [64, 16, 30_000], [2, 16, 500]] as const) {
    const random = seededRandom(k);
    const domain = domainOf(k);
    const whole = new KHyperLogLog({ k, registerCount });
    const parts = Array.from({ length: 7 }, () => new KHyperLogLog({ k, registerCount }));
    for (let index = 0; index < pairs; index++) {
      // Skewed, so that there are values with one pseudonym and with hundreds, in one part and in all.
      const value = domain.hashValue(numberBytes(Math.floor(random.unit() ** 4 * 20_000)));
      const pseudonym = domain.hashPseudonym(numberBytes(random.uint32() % 5000));
      whole.add(value, pseudonym);
      parts[random.uint32() % 7]!.add(value, pseudonym);
    }
    const expected = serialize(whole);
    for (let grouping = 0; grouping < 10; grouping++) {
      const pool = parts.map((part) => {
        const copy = new KHyperLogLog({ k, registerCount });
        copy.merge(part);
        return copy;
      });
      while (pool.length > 1) {
        const [taken] = pool.splice(random.uint32() % pool.length, 1);
        const target = pool[random.uint32() % pool.length]!;
        target.merge(taken!);
        // What comes twice changes nothing.
        if (random.uint32() % 2 === 0) target.merge(taken!);
      }
      assertEquals(serialize(pool[0]!), expected);
    }
  }
});

Deno.test("merge() and addAll() leave their argument alone", () => {
  const pseudonyms = new HyperLogLog();
  pseudonyms.add({ high: 1, low: 1 });
  const first = new KHyperLogLog(), second = new KHyperLogLog();
  first.addAll({ high: 5, low: 5 }, pseudonyms);
  second.merge(first);
  second.add({ high: 5, low: 5 }, { high: 2, low: 2 });
  assertEquals(pseudonyms.cardinality(), 1);
  assertEquals(first.pseudonymsAt(0).cardinality(), 1);
  assertEquals(second.pseudonymsAt(0).cardinality(), 2);
});

Deno.test("KHyperLogLog estimates the pseudonyms of a value with many within the registers' error", () => {
  const domain = domainOf(9);
  const sketch = new KHyperLogLog();
  for (let id = 0; id < 100_000; id++) {
    sketch.add(domain.hashValue(numberBytes(id % 2)), domain.hashPseudonym(numberBytes(id)));
  }
  for (const index of [0, 1]) assertAlmostEquals(sketch.pseudonymsAt(index).cardinality() / 50_000, 1, 0.1);
});

Deno.test("KHyperLogLog refuses parameters out of range and sketches with other ones", () => {
  for (const k of [1, 65536, 2.5, NaN]) assertThrows(() => new KHyperLogLog({ k }), RangeError);
  assertThrows(() => new KHyperLogLog({ registerCount: 1000 }), RangeError);
  const sketch = new KHyperLogLog({ k: 16 });
  assertThrows(() => sketch.merge(new KHyperLogLog({ k: 17 })), RangeError, "K is 17 instead of 16");
  assertThrows(() => sketch.addAll({ high: 0, low: 0 }, new HyperLogLog(16)), RangeError, "16 registers");
  assertThrows(() => sketch.hashAt(0), RangeError);
  assertThrows(() => sketch.pseudonymsAt(-1), RangeError);
});
