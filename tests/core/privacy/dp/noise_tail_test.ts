import { assert, assertAlmostEquals } from "@std/assert";
import { normalQuantile } from "../../../../core/privacy/dp/interval.ts";
import { laplaceTail, normalTail } from "../../../../core/privacy/dp/noise_tail.ts";
import { rational, rationalOf, toNumber } from "../../../../core/privacy/dp/rational.ts";

Deno.test("laplaceTail() of one draw and of two is what counting out their probabilities gives", () => {
  for (const scale of [rational(1n, 2n), rational(2n), rationalOf(7.3)]) {
    const b = toNumber(scale);
    const reach = Math.ceil(40 * b);
    const one = Array.from({ length: 2 * reach + 1 }, (_, index) => Math.exp(-Math.abs(index - reach) / b));
    const total = one.reduce((sum, weight) => sum + weight, 0);
    for (const least of [-9, -1, 0, 1, 2, 15]) {
      let [single, double] = [0, 0];
      // The second draw has to bring what the first lacks.
      const from = (value: number) =>
        one.slice(Math.max(0, value + reach)).reduce((sum, w) => sum + w, 0) / total;
      single = from(least);
      for (const [index, weight] of one.entries()) double += weight / total * from(least - (index - reach));
      assertAlmostEquals(laplaceTail(scale, 1, least), single, 1e-12);
      assertAlmostEquals(laplaceTail(scale, 2, least), double, 1e-12);
    }
  }
});

Deno.test("normalTail() is the inverse of the quantile", () => {
  for (const p of [1e-6, 0.025, 0.3, 0.5, 0.8, 0.999]) {
    assertAlmostEquals(normalTail(-normalQuantile(p)), p, 1e-12);
  }
  assert(normalTail(50) < 1e-14 && normalTail(-50) > 1 - 1e-14);
});
