import { assert, assertEquals, assertThrows } from "@std/assert";
import { gaussianHalfWidth, laplaceHalfWidth } from "../../../../core/privacy/dp/noise_interval.ts";
import { rational, rationalOf, toNumber } from "../../../../core/privacy/dp/rational.ts";

/** The least h with enough weight in -h .. h, counted out. */
function counted(weight: (x: number) => number, reach: number, confidence: number): number {
  let total = 0;
  for (let x = reach; x >= 1; x--) total += 2 * weight(x);
  total += weight(0);
  let outside = total - weight(0);
  let h = 0;
  while (outside > (1 - confidence) * total) {
    h++;
    outside -= 2 * weight(h);
  }
  return h;
}

Deno.test("laplaceHalfWidth() is the least that holds", () => {
  for (const scale of [rational(1n, 10n), rational(1n), rationalOf(3.7), rational(100n)]) {
    const b = toNumber(scale);
    for (const confidence of [0.5, 0.9, 0.95, 0.999]) {
      const expected = counted((x) => Math.exp(-Math.abs(x) / b), Math.ceil(60 * b), confidence);
      assertEquals(laplaceHalfWidth(scale, confidence), expected, `scale ${b} at ${confidence}`);
    }
  }
});

Deno.test("gaussianHalfWidth() is the least that holds", () => {
  for (const variance of [rational(1n, 10n), rational(1n), rationalOf(12.3), rational(10_000n)]) {
    const sigma2 = toNumber(variance);
    for (const confidence of [0.5, 0.9, 0.95, 0.999]) {
      const expected = counted(
        (x) => Math.exp(-x * x / (2 * sigma2)),
        Math.ceil(30 * Math.sqrt(sigma2)),
        confidence,
      );
      assertEquals(gaussianHalfWidth(variance, confidence), expected, `variance ${sigma2} at ${confidence}`);
    }
  }
});

Deno.test("gaussianHalfWidth() goes over to the continuous distribution without a jump", () => {
  const below = gaussianHalfWidth(rational(10_000n ** 2n), 0.95);
  const above = gaussianHalfWidth(rational(10_000n ** 2n + 1n), 0.95);
  assert(Math.abs(above - below) <= 1, `${below}, ${above}`);
});

Deno.test("half-widths refuse confidences that are none and noise of no size", () => {
  for (const halfWidth of [laplaceHalfWidth, gaussianHalfWidth]) {
    assertThrows(() => halfWidth(rational(1n), 1), RangeError);
    assertThrows(() => halfWidth(rational(0n), 0.95), RangeError);
  }
});
