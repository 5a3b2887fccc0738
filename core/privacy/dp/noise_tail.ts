/**
 * How probable it is that noise lifts a count so far: upper tails of the noise of `noise.ts`, and of the sum of two draws.
 *
 * @module
 */
import { normalQuantile } from "./interval.ts";
import { type Rational, toNumber } from "./rational.ts";

/**
 * P(x >= least) for an integer `least` and one draw of discrete Laplace noise, or the sum of two, exactly:
 * with r = exp(-1 / scale) one draw is k with probability (1 - r) / (1 + r) r^|k|, and two are k with probability
 * ((1 - r) / (1 + r))^2 r^|k| (|k| + (1 + r^2) / (1 - r^2)).
 */
export function laplaceTail(scale: Rational, draws: 1 | 2, least: number): number {
  if (least <= 0) return 1 - laplaceTail(scale, draws, 1 - least);
  const b = toNumber(scale);
  const r = Math.exp(-1 / b);
  const decay = Math.exp(-least / b);
  if (draws === 1) return decay / (1 + r);
  const rest = -Math.expm1(-1 / b);
  return decay * ((least + (1 + r * r) / (rest * (1 + r))) * rest + r) / (1 + r) ** 2;
}

/** P(x >= least) for a standard normal variable, to an accuracy of 1e-15. */
export function normalTail(least: number): number {
  let [below, above] = [0, 1];
  for (let step = 0; step < 50; step++) {
    const middle = (below + above) / 2;
    if (normalQuantile(middle) < -least) below = middle;
    else above = middle;
  }
  return (below + above) / 2;
}
