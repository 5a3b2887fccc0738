/**
 * The reports of local differential privacy, written anew from docs/protocol.md, section 10, with schoolbook polynomials
 * in place of the service's tables.
 */
import { assertEquals } from "@std/assert";
import { hash, localDp, reportCount, truthProbability } from "../../core/privacy/dp/local_dp.ts";
import { indexOfValue } from "../../core/schema/fields/table.ts";
import { mechanismOf } from "../../core/schema/local_report.ts";
import type { FieldSchema } from "../../core/schema/fields/types.ts";
import { seededRandom } from "../support/base/seeded_random.ts";

/** Digits of an integer in base p, the least first. */
function digits(value: number, p: number, count: number): number[] {
  return Array.from({ length: count }, (_, power) => Math.floor(value / p ** power) % p);
}

/** Multiplies two polynomials over GF(p) and reduces by x^m = reduction. */
function multiply(a: number[], b: number[], p: number, reduction: number[]): number[] {
  const m = a.length;
  const product = Array<number>(2 * m - 1).fill(0);
  for (const [i, x] of a.entries()) {
    for (const [j, y] of b.entries()) product[i + j] = (product[i + j]! + x * y) % p;
  }
  for (let degree = 2 * m - 2; degree >= m; degree--) {
    for (const [power, coefficient] of reduction.entries()) {
      const at = degree - m + power;
      product[at] = (product[at]! + product[degree]! * coefficient) % p;
    }
    product[degree] = 0;
  }
  return product.slice(0, m);
}

/** The hash as the page defines it. */
function specifiedHash(g: number, seed: number, value: number): number {
  const [p, m, reduction, exponents] = g % 3 === 0
    ? [3, 5, [2, 1, 0, 0, 0], [1, 2, 4]] as const
    : [2, 8, [1, 0, 1, 1, 1, 0, 0, 0], [1, 3]] as const;
  const q = p ** m;
  const s = digits(seed, p, m);
  let sum = Array<number>(m).fill(0);
  for (const [position, exponent] of exponents.entries()) {
    let term = digits(Math.floor(value / q ** position) % q, p, m);
    for (let times = 0; times < exponent; times++) term = multiply(term, s, p, [...reduction]);
    sum = sum.map((coefficient, index) => (coefficient + term[index]!) % p);
  }
  return sum.reduce((number, coefficient, power) => number + coefficient * p ** power, 0) % g;
}

Deno.test("hash() is what docs/protocol.md defines, on both fields and domains of every size", () => {
  const random = seededRandom(11);
  for (
    const [epsilon, size] of [[0.1, 50], [0.5, 1_000], [1, 100], [1, 65_536], [2, 65_536], [
      4,
      65_536,
    ]] as const
  ) {
    const mechanism = localDp(epsilon, size);
    assertEquals(mechanism.mechanism, "olh");
    for (let round = 0; round < 2_000; round++) {
      const seed = random.uint32() % mechanism.seedCount, value = random.uint32() % size;
      assertEquals(hash(mechanism, seed, value), specifiedHash(mechanism.hashRange, seed, value));
    }
  }
});

Deno.test("the example values of docs/protocol.md, section 10, are right", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  const rows = [
    ...page.matchAll(/^\| (\d[\d.]*) +\| (\d+) +\| (olh|grr) +\| (\d+) +\| (\d+) +\| ([^|]+)\|$/gm),
  ];
  assertEquals(rows.length, 6);
  for (const [, epsilon, size, mechanism, seeds, range, hashes] of rows) {
    const made = localDp(Number(epsilon), Number(size));
    assertEquals([made.mechanism, made.seedCount, made.hashRange], [mechanism, Number(seeds), Number(range)]);
    assertEquals(reportCount(made), Number(seeds) * Number(range));
    const examples = [...hashes!.matchAll(/h\((\d+), (\d+)\) = (\d+)/g)];
    assertEquals(examples.length > 0, mechanism === "olh");
    for (const [, seed, value, expected] of examples) {
      assertEquals(hash(made, Number(seed), Number(value)), Number(expected));
      assertEquals(specifiedHash(made.hashRange, Number(seed), Number(value)), Number(expected));
    }
  }
});

Deno.test("the parameters of a report follow from epsilon and domain as docs/protocol.md says", () => {
  const ranges = [2, 3, 4, 8, 9, 16, 27, 32, 64, 81, 128, 243, 256];
  for (const epsilon of [0.05, 0.3, 0.5, 0.9, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 12]) {
    for (const size of [2, 3, 10, 100, 1_000, 65_536]) {
      const made = localDp(epsilon, size);
      const isGrr = size < 3 * Math.exp(epsilon) + 2;
      assertEquals(made.mechanism, isGrr ? "grr" : "olh");
      const variances = ranges.map((g) => (Math.exp(epsilon) - 1 + g) ** 2 / (g - 1));
      const g = isGrr ? size : ranges[variances.indexOf(Math.min(...variances))]!;
      assertEquals([made.hashRange, made.seedCount], [g, isGrr ? 1 : g % 3 === 0 ? 243 : 256]);
      const p = Math.exp(epsilon) / (Math.exp(epsilon) + g - 1);
      assertEquals(truthProbability(made) <= p && truthProbability(made) > p - 1e-12, true);
    }
  }
});

Deno.test("the index of a value is what docs/protocol.md says", () => {
  const localDp = { epsilon: 1 };
  const fields: [FieldSchema, [unknown, number][]][] = [
    [{ type: "boolean", localDp }, [[false, 0], [true, 1]]],
    [{ type: "enum", values: ["b", "a", "c"], localDp }, [["b", 0], ["c", 2]]],
    [{ type: "integer", min: -5, max: 5, localDp }, [[-5, 0], [0, 5], [5, 10]]],
    [{ type: "bucket", edges: [10, 20], localDp }, [[0, 0], [2, 2]]],
    [{ type: "version", majors: [2, 3], minors: 30, localDp }, [["2.0", 0], ["2.30", 30], ["3.4", 35]]],
  ];
  for (const [field, examples] of fields) {
    for (const [value, index] of examples) assertEquals(indexOfValue(field, value), index);
    assertEquals(mechanismOf(field)!.domainSize > 1, true);
  }
});
