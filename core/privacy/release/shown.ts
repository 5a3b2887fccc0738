/**
 * From where on figures are shown, and what that does to their intervals.
 *
 * A figure that is shown only because it is great enough is more often too great than too small: of cells with few people
 * those are seen that noise has lifted. Two rules make what is shown hold, and both follow from public numbers:
 *
 * - _The line._ Nothing is shown below the reach of the noise over all cells at once (Bonferroni), so that of a page of
 *   empty cells hardly ever one is shown.
 * - _Near the line._ A figure that is no more than its own reach above the line has an interval that begins at 0.
 *
 * So each interval holds the truth of its cell 95 times in a hundred **of those in which it is shown**, however many
 * people are in it. Let T be the line, h the reach, L the noise, symmetric and log-concave, with P(L > h) <= 2.5 %, and
 * P(L >= 0) >= 1/2. The upper end fails no more often for what is shown than for all, as that is greater. The lower end
 * of a cell of n < T people fails only if n + L > T + h; of those shown that is a share of at most
 * P(L > h) / P(L >= 0) <= 5 %, as the chance to be so far above a line grows with n (log-concavity), and the upper end
 * holds always. For n >= T both ends together fail with at most (5 % - p) / (1 - p), or 2.5 % / (1 - p) where the upper
 * end cannot, p being the chance of not being shown.
 *
 * @module
 */
import { gaussianHalfWidth, laplaceHalfWidth } from "../dp/noise_interval.ts";
import { sumReach } from "../dp/noise_sum.ts";
import { momentsOf, type Noise } from "./plan.ts";

/** Confidence of all intervals. */
export const CONFIDENCE = 0.95;

/** What of a figure decides whether it is shown. */
interface Sized {
  readonly count: number;
  readonly among?: number;
}

/** How far a figure can be off by its noise, with 95 % confidence or another. */
export function halfWidth(noise: Noise, confidence = CONFIDENCE): number {
  return noise.kind === "laplace"
    ? laplaceHalfWidth(noise.scale, confidence)
    : gaussianHalfWidth(noise.variance, confidence);
}

/** How far the sum of so many noised counts can be off. */
export function reachOf(noise: Noise, draws: number, confidence = CONFIDENCE): number {
  return draws === 1
    ? halfWidth(noise, confidence)
    : Math.floor(sumReach(momentsOf(noise), [{ weight: 1, draws }], confidence));
}

/** The line: the threshold, or what none of so many empty cells reaches, with 97.5 % confidence. */
export function shownFromOf(
  threshold: number,
  cells: number,
  reachAt: (confidence: number) => number,
): number {
  return Math.max(threshold, Math.floor(reachAt(1 - (1 - CONFIDENCE) / cells)) + 1);
}

/** The people of a figure: those among whom a rate's are, who have to be enough that it says anything. */
export function sizeOf({ count, among }: Sized): number {
  return among ?? count;
}

/**
 * Whether a figure is near the line, so that its interval begins at 0. Its reach is how far its interval goes up. That of
 * a rate's count is the reach of one of the two counts in its size: the other is as good as known, as the argument holds
 * for each value of it.
 */
export function isNear(figure: Sized & { readonly upper: number }, shownFrom: number): boolean {
  return sizeOf(figure) - shownFrom <= figure.upper - figure.count;
}

/** The figure with the interval that it has when it is shown. */
export function loweredNear<F extends Sized & { readonly upper: number }>(figure: F, shownFrom: number): F {
  return isNear(figure, shownFrom) ? { ...figure, lower: 0 } : figure;
}
