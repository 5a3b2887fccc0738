import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  compose,
  epsilonAt,
  fits,
  gaussianVariance,
  laplaceScale,
  privacyLoss,
  remaining,
  repeat,
} from "../../../../core/privacy/dp/accounting.ts";
import { normalQuantile } from "../../../../core/privacy/dp/interval.ts";
import { rational, rationalOf } from "../../../../core/privacy/dp/rational.ts";

const pure = (epsilon: number, delta = 0) => privacyLoss("pure", rationalOf(epsilon), rationalOf(delta));
const zcdp = (rho: number, delta = 0) => privacyLoss("zcdp", rationalOf(rho), rationalOf(delta));

/** P(normal < x), by inverting the quantile. */
function normalProbability(x: number): number {
  let from = 0, to = 1;
  for (let step = 0; step < 200; step++) {
    const middle = (from + to) / 2;
    if (middle === from || middle === to) break;
    if (normalQuantile(middle) < x) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

Deno.test("compose() adds exactly", () => {
  assertEquals(compose("pure", [pure(0.1, 1e-6), pure(0.2, 2e-6)]), pure(0.3, 3e-6));
  assertEquals(compose("zcdp", []), zcdp(0));
  assertEquals(repeat(pure(0.1, 1e-6), 3), pure(0.3, 3e-6));
  assertThrows(() => compose("pure", [zcdp(0.1)]), RangeError, "zcdp with pure");
});

Deno.test("fits() spends a budget to the last bit and no further", () => {
  const budget = pure(0.3, 1e-5);
  assert(fits(pure(0.1), pure(0.2), budget));
  assert(!fits(pure(0.1), pure(0.2000000000000001), budget));
  assert(!fits(pure(0.1, 6e-6), pure(0.1, 6e-6), budget));
  assertThrows(() => fits(pure(0.1), zcdp(0.1), budget), RangeError);
});

Deno.test("remaining() is what is left, and nothing where too much was spent", () => {
  assertEquals(remaining(pure(0.1, 1e-6), pure(0.3, 1e-5)), pure(0.2, 9e-6));
  assertEquals(remaining(pure(0.5), pure(0.3, 1e-5)), pure(0, 1e-5));
  assertThrows(() => remaining(zcdp(0.1), pure(0.3)), RangeError);
});

Deno.test("epsilonAt() of zCDP is below the bound of Bun and Steinke, and above what Gaussian noise really costs", () => {
  for (const rho of [0.001, 0.02, 0.5, 3]) {
    for (const delta of [1e-10, 1e-6, 0.01]) {
      const epsilon = epsilonAt(zcdp(rho), delta);
      assert(epsilon < rho + 2 * Math.sqrt(rho * Math.log(1 / delta)), `${rho}, ${delta}: ${epsilon}`);
      // Balle and Wang (ICML 2018), theorem 8: the exact delta of Gaussian noise with rho = 1 / (2 sigma^2).
      const sigma = Math.sqrt(1 / (2 * rho));
      const exact = normalProbability(1 / (2 * sigma) - epsilon * sigma) -
        Math.exp(epsilon) * normalProbability(-1 / (2 * sigma) - epsilon * sigma);
      assert(exact < delta && exact > 0.1 * delta, `${rho}, ${delta}: ${exact}`);
    }
  }
});

Deno.test("epsilonAt() finds the least of the bound over a grid of orders", () => {
  const rho = 0.1, delta = 1e-6;
  let least = Infinity;
  for (let alpha = 1.01; alpha < 200; alpha += 0.01) {
    const bound = alpha * rho + Math.log(1 / (alpha * delta)) / (alpha - 1) + Math.log(1 - 1 / alpha);
    least = Math.min(least, bound);
  }
  assertAlmostEquals(epsilonAt(zcdp(rho), delta), least, 1e-6);
});

Deno.test("epsilonAt() of a pure loss is its epsilon, and of nothing 0", () => {
  assertEquals(epsilonAt(pure(1.5), 1e-6), 1.5);
  assertEquals(epsilonAt(zcdp(0), 1e-6), 0);
  assertThrows(() => epsilonAt(zcdp(1), 0), RangeError);
});

Deno.test("laplaceScale() and gaussianVariance() are sensitivity over loss", () => {
  assertEquals(laplaceScale(3n, rationalOf(0.5)), rational(6n));
  // The discrete Gaussian of variance s is 1 / (2 s)-zCDP for a change of 1.
  assertEquals(gaussianVariance(1n, rationalOf(0.125)), rational(4n));
  assertEquals(gaussianVariance(5n, rationalOf(0.1)), rational(25n));
});

Deno.test("privacyLoss() and repeat() refuse what is no loss", () => {
  assertThrows(() => pure(-1), RangeError, "negative");
  for (const delta of [-0.1, 1]) assertThrows(() => pure(1, delta), RangeError, "delta");
  assertThrows(() => repeat(pure(1), -1), RangeError);
});
