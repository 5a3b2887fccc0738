/**
 * Small statistics for tests of estimators and samplers.
 *
 * @module
 */
import { normalQuantile } from "../../../core/privacy/dp/interval.ts";

/** The value below which a share of `p` of the values lies (nearest rank). */
export function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]!;
}

/** Mean and unbiased variance. */
export function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance };
}

/**
 * Pearson's goodness of fit: how far the statistic is above what chance exceeds once in a thousand times, as a ratio
 * (1 = just there). Neighbouring cells are joined until 8 observations are expected in each. The critical value is by
 * Wilson and Hilferty's approximation (1931), good to a percent from 3 degrees of freedom up.
 */
export function chiSquareExcess(observed: readonly number[], probabilities: readonly number[]): number {
  const n = observed.reduce((sum, count) => sum + count, 0);
  const cells: { observed: number; expected: number }[] = [];
  let open = { observed: 0, expected: 0 };
  for (const [index, probability] of probabilities.entries()) {
    open.observed += observed[index]!;
    open.expected += n * probability;
    if (open.expected < 8) continue;
    cells.push(open);
    open = { observed: 0, expected: 0 };
  }
  const last = cells.at(-1)!;
  last.observed += open.observed;
  last.expected += open.expected;
  const statistic = cells.reduce(
    (sum, cell) => sum + (cell.observed - cell.expected) ** 2 / cell.expected,
    0,
  );
  const freedom = cells.length - 1;
  const spread = 2 / (9 * freedom);
  const critical = freedom * (1 - spread + normalQuantile(0.999) * Math.sqrt(spread)) ** 3;
  return statistic / critical;
}
