/**
 * The reports of local differential privacy, written anew from docs/protocol.md, section 10, one report at a time in place
 * of the service's arithmetic on numbers.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { localDpReport } from "../../client/local_dp.ts";
import { localDp, randomise, supports, truthProbability } from "../../core/privacy/dp/local_dp.ts";
import { indexOfValue } from "../../core/schema/fields/table.ts";
import { mechanismOf } from "../../core/schema/local_report.ts";
import type { FieldSchema } from "../../core/schema/fields/types.ts";
import { seededRandom } from "../support/base/seeded_random.ts";

const PRIMES = Array.from({ length: 358 }, (_, index) => index + 2)
  .filter((q) => Array.from({ length: q - 2 }, (_, index) => index + 2).every((factor) => q % factor !== 0));

/** K of q and t, digit by digit: 1 + q + ... + q^(t-1). */
function points(q: number, t: number): number {
  return t === 0 ? 0 : 1 + q * points(q, t - 1);
}

/** Mechanism, q, t, K and k as the page says. */
function specified(epsilon: number, d: number) {
  const e = Math.exp(epsilon);
  const variance = (q: number) => (e - 1 + q) ** 2 / (q - 1);
  const usable = PRIMES.map((q) => {
    let t = 3;
    while (points(q, t) < d) t++;
    return { q, t, count: points(q, t) };
  }).filter(({ count }) => count <= 131_071);
  const least = Math.min(...usable.map(({ q }) => variance(q)));
  if (e + d - 2 <= least) return { mechanism: "grr", q: 0, t: 0, count: d, k: 1 };
  const best = usable.filter(({ q }) => variance(q) <= 1.05 * least).reduce((a, b) =>
    b.count < a.count ? b : a
  );
  return { mechanism: "pgr", ...best, k: points(best.q, best.t - 1) };
}

/** The vector of an integer. */
function specifiedVector(q: number, t: number, n: number): number[] {
  let m = 0;
  while (points(q, m + 1) <= n) m++;
  const rest = n - points(q, m);
  return Array.from({ length: t }, (_, i) => i > m ? 0 : i === m ? 1 : Math.floor(rest / q ** i) % q);
}

function specifiedSupport(q: number, t: number, report: number, v: number): boolean {
  const [one, other] = [report - 65_536, v].map((n) => specifiedVector(q, t, n)) as [number[], number[]];
  return one.reduce((sum, digit, i) => sum + digit * other[i]!, 0) % q === 0;
}

Deno.test("the parameters of a report follow from epsilon and domain as docs/protocol.md says", () => {
  for (const epsilon of [0.001, 0.05, 0.3, 0.5, 0.9, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 12]) {
    for (const d of [2, 3, 10, 14, 100, 257, 1_000, 30_000, 65_536]) {
      const made = localDp(epsilon, d);
      const { mechanism, q, t, count, k } = specified(epsilon, d);
      assertEquals(
        [made.mechanism, made.order, made.dimension, made.reportCount, made.supportSize],
        [mechanism, q, t, count, k],
        `${epsilon}, ${d}`,
      );
      assertEquals(made.firstReport, mechanism === "grr" ? 0 : 65_536);
      const p = k * Math.exp(epsilon) / (k * Math.exp(epsilon) + count - k);
      assert(truthProbability(made) <= p * (1 + 1e-15) && truthProbability(made) > p - 1e-12);
    }
  }
});

Deno.test("a report supports the values that docs/protocol.md says, and is drawn as often from them", () => {
  const random = seededRandom(11);
  for (
    const [epsilon, d] of [[0.1, 50], [0.5, 1_000], [1, 100], [1, 65_536], [2, 65_536], [4, 65_536]] as const
  ) {
    const made = localDp(epsilon, d);
    let told = 0;
    const rounds = 1_000;
    for (let round = 0; round < rounds; round++) {
      const v = random.uint32() % d, report = 65_536 + random.uint32() % made.reportCount;
      assertEquals(supports(made, report, v), specifiedSupport(made.order, made.dimension, report, v));
      told += specifiedSupport(made.order, made.dimension, randomise(made, v, random.bytes), v) ? 1 : 0;
    }
    const p = truthProbability(made);
    assertAlmostEquals(told / rounds, p, 5 * Math.sqrt(p * (1 - p) / rounds), `${epsilon}, ${d}`);
  }
});

Deno.test("the example values of docs/protocol.md, section 10, are right", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  const rows = [
    ...page.matchAll(/^\| (\d[\d.]*) +\| (\d+) +\| (pgr|grr) +\| (\d*) +\| (\d*) +\| (\d+) +\| ([^|]*)\|$/gm),
  ];
  assertEquals(rows.length, 6);
  for (const [, epsilon, size, mechanism, q, t, count, examples] of rows) {
    const made = localDp(Number(epsilon), Number(size));
    assertEquals(
      [made.mechanism, made.order, made.dimension, made.reportCount],
      [mechanism, Number(q), Number(t), Number(count)],
    );
    const [v, k, first, second, last] = [...examples!.matchAll(/\d+/g)].map(([number]) => Number(number));
    assertEquals(v === undefined, mechanism === "grr");
    if (v === undefined) continue;
    const reports = Array.from({ length: made.reportCount }, (_, n) => 65_536 + n)
      .filter((report) => specifiedSupport(made.order, made.dimension, report, v));
    assertEquals([reports.length, reports[0], reports[1], reports.at(-1)], [k, first, second, last]);
  }
});

Deno.test("a client reports nothing under a mechanism that is not its own", () => {
  const field = (mechanism: string): FieldSchema => {
    const named = { epsilon: 1, mechanism };
    return { type: "integer", min: 0, max: 999, localDp: named };
  };
  const { bytes } = seededRandom(3);
  assert(localDpReport(field("pgr"), 5, bytes) >= 65_536);
  for (const other of ["olh", "grr", "unary"]) {
    assertThrows(() => localDpReport(field(other), 5, bytes), RangeError, "another one");
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
