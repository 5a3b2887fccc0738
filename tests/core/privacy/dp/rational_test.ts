import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  add,
  compare,
  divide,
  multiply,
  type Rational,
  rational,
  rationalOf,
  subtract,
  toNumber,
  ZERO,
} from "../../../../core/privacy/dp/rational.ts";

function text({ numerator, denominator }: Rational): string {
  return `${numerator}/${denominator}`;
}

Deno.test("rational() is in lowest terms with a positive denominator", () => {
  assertEquals(text(rational(6n, 4n)), "3/2");
  assertEquals(text(rational(6n, -4n)), "-3/2");
  assertEquals(text(rational(0n, -7n)), "0/1");
  assertThrows(() => rational(1n, 0n), RangeError);
});

Deno.test("rationalOf() reads the decimals that were written", () => {
  const cases: [number, string][] = [
    [0.1, "1/10"],
    [1e-5, "1/100000"],
    [1.5e-7, "3/20000000"],
    [-2.25, "-9/4"],
    [1e21, "1000000000000000000000/1"],
    [1.25e22, "12500000000000000000000/1"],
    [0, "0/1"],
    [3, "3/1"],
  ];
  for (const [number, expected] of cases) assertEquals(text(rationalOf(number)), expected);
  for (const number of [NaN, Infinity]) assertThrows(() => rationalOf(number), RangeError);
});

Deno.test("rational arithmetic is exact where floating point is not", () => {
  assertEquals(compare(add(rationalOf(0.1), rationalOf(0.2)), rationalOf(0.3)), 0);
  assertEquals(text(subtract(rational(1n, 3n), rational(1n, 2n))), "-1/6");
  assertEquals(text(multiply(rational(-2n, 3n), rational(3n, 4n))), "-1/2");
  assertEquals(text(divide(rational(2n, 3n), rational(-4n, 3n))), "-1/2");
  assert(compare(rational(1n, 3n), rational(1n, 2n)) < 0);
  assert(compare(rational(-1n, 3n), rational(-1n, 2n)) > 0);
  assertThrows(() => divide(rational(1n), ZERO), RangeError);
});

Deno.test("toNumber() is close whatever the size of the terms", () => {
  for (const number of [0, 0.1, -2.5, 1e-300, 123456.789]) {
    assertAlmostEquals(toNumber(rationalOf(number)), number, 1e-15 * Math.abs(number));
  }
  const huge = 3n ** 5000n;
  assertAlmostEquals(toNumber({ numerator: 2n * huge, denominator: 3n * huge + 1n }), 2 / 3, 1e-15);
});
