import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { normalQuantile, normalReach } from "../../../../core/privacy/dp/interval.ts";
import { wilsonInterval } from "../../../../core/privacy/dp/wilson.ts";

Deno.test("normalQuantile() gives the tabled quantiles", () => {
  // Python's statistics.NormalDist().inv_cdf, to 15 digits.
  const table: [number, number][] = [
    [1e-300, -37.0470962993612],
    [1e-12, -7.034483825301132],
    [0.001, -3.090232306167813],
    [0.025, -1.9599639845400538],
    [0.05, -1.6448536269514726],
    [0.3, -0.5244005127080407],
    [0.5, 0.0],
    [0.7, 0.5244005127080407],
    [0.9, 1.2815515655446008],
    [0.975, 1.9599639845400536],
    [0.995, 2.5758293035489],
    [0.9999999, 5.199337582290662],
  ];
  for (const [p, expected] of table) {
    assertAlmostEquals(normalQuantile(p), expected, 1e-14 * (1 + Math.abs(expected)));
  }
});

Deno.test("normalQuantile() and normalReach() refuse what is no probability", () => {
  for (const p of [0, 1, -0.1, NaN]) {
    assertThrows(() => normalQuantile(p), RangeError);
    assertThrows(() => normalReach(p), RangeError);
  }
});

Deno.test("normalReach() is 1.96 standard deviations at 95 %", () => {
  assertAlmostEquals(normalReach(0.95), 1.959963984540054, 1e-12);
});

Deno.test("wilsonInterval() gives the examples of Newcombe, Statistics in Medicine 17 (1998), table I", () => {
  const examples: [number, number, number, number][] = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ];
  for (const [matching, sampled, lower, upper] of examples) {
    const interval = wilsonInterval(matching, sampled);
    assertAlmostEquals(interval.lower, lower, 5e-5);
    assertAlmostEquals(interval.upper, upper, 5e-5);
  }
});

Deno.test("wilsonInterval() is everything without a sample, exact at the ends, and a mirror image", () => {
  assertEquals(wilsonInterval(0, 0), { lower: 0, upper: 1 });
  assertEquals(wilsonInterval(0, 7).lower, 0);
  assertEquals(wilsonInterval(7, 7).upper, 1);
  assertAlmostEquals(wilsonInterval(2, 7).lower, 1 - wilsonInterval(5, 7).upper, 1e-12);
  assert(wilsonInterval(5, 10, 0.99).lower < wilsonInterval(5, 10, 0.9).lower);
});

Deno.test("wilsonInterval() refuses what is no proportion", () => {
  for (const [matching, sampled] of [[-1, 5], [6, 5], [1.5, 5], [1, NaN]] as const) {
    assertThrows(() => wilsonInterval(matching, sampled), RangeError);
  }
});
