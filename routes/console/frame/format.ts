/**
 * Numbers and times as people read them. Everything is UTC, as the service's days and epochs are.
 *
 * @module
 */

const GROUPED = new Intl.NumberFormat("en-US");

/** `12,345`. */
export function formatCount(count: number): string {
  return GROUPED.format(count);
}

/** Counts of what clients sent below this are not told apart: a page that is watched would show one of them come. */
const FEW = 10;

/** `12,345`, or `< 10`. */
export function formatMany(count: number): string {
  return count > 0 && count < FEW ? `< ${FEW}` : formatCount(count);
}

/** A count as it is drawn: of a few, as many as they may at most seem to be. */
export function drawnCount(count: number): number {
  return count > 0 && count < FEW ? FEW : count;
}

/** `0.4 %`, or `—` of nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return "—";
  const percent = part / whole * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  return `${percent >= 10 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** A delta: `1e-6`. */
export function formatDelta(delta: number): string {
  return delta === 0 || delta >= 0.001
    ? String(Number(delta.toPrecision(2)))
    : delta.toExponential(1).replace(".0", "");
}

/** `2027-01-15 10:20`, of Unix seconds. */
export function formatMoment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

/** `2027-01-15 10:20:30`. */
export function formatSecond(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/** `2 days`, `5 h`, `12 min`, `40 s`: the largest unit that is not below one. */
export function formatDuration(seconds: number): string {
  const rounded = Math.round(Math.abs(seconds));
  if (rounded < 90) return `${rounded} s`;
  if (rounded < 90 * 60) return `${Math.round(rounded / 60)} min`;
  if (rounded < 48 * 3_600) return `${Math.round(rounded / 3_600)} h`;
  return `${Math.round(rounded / 86_400)} days`;
}

/** `in 5 h`, `12 min ago`, `just now`. */
export function formatDistance(atSeconds: number, nowSeconds: number): string {
  const seconds = atSeconds - nowSeconds;
  if (seconds === 0) return "just now";
  return seconds >= 0 ? `in ${formatDuration(seconds)}` : `${formatDuration(seconds)} ago`;
}
