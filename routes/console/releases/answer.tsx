/**
 * One answer to one question: its figures, and what they say together.
 *
 * @module
 */
import { MethodOf } from "./method.tsx";
import { formatDay } from "../../../core/base/time.ts";
import { toNumber } from "../../../core/privacy/dp/rational.ts";
import { deriveFrom, rateOf } from "../../../core/privacy/release/derived.ts";
import type { Figure } from "../../../core/privacy/release/figures.ts";
import type { Release } from "../../../core/privacy/release/rows.ts";
import { CONFIDENCE, isNear, sizeOf } from "../../../core/privacy/release/shown.ts";
import { formatCount } from "../frame/format.ts";
import { Badge } from "../frame/parts.tsx";
import { DerivedFigures, RateCells } from "./derived.tsx";
import { cellName } from "./view.ts";

/** Cells of one answer's table. */
const SHOWN_CELLS = 50;

/** An answer as a table. */
export function Answer({ release, by }: { readonly release: Release; readonly by: readonly string[] }) {
  const { day, plan, noise, early, withheld, figures, method } = release;
  const shownFrom = method?.["shown-from"];
  const most = Math.max(1, ...figures.map((figure) => sizeOf(figure)));
  const isRate = plan.among !== undefined;
  const counted = countedIn(release);
  return (
    <div>
      <p class="small muted">
        {plan.days !== undefined && `${formatDay(day - plan.days + 1)} to `}
        {formatDay(day)}: {counted.toLowerCase()}, {describeNoise(noise)}, cost{" "}
        {describeCost(release)}, figures below {shownFrom ?? plan.threshold}{" "}
        suppressed{withheld > 0 && ` (${formatCount(withheld)} of them)`}.{" "}
        {early && <Badge tone="warn">before the day was over</Badge>}
      </p>
      <div class="scroll" tabindex={0} role="region" aria-label={`Figures of ${formatDay(day)}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{by.length === 0 ? "Who" : by.join(", ")}</th>
              <th scope="col" class="number">{counted}</th>
              <th scope="col" class="number">{CONFIDENCE * 100} % interval</th>
              {isRate && (
                <>
                  <th scope="col" class="number">Of about</th>
                  <th scope="col" class="number">Rate</th>
                  <th scope="col" class="number">{CONFIDENCE * 100} % interval</th>
                </>
              )}
              <th scope="col">
                <span class="sr">Share of the greatest</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {figures.slice(0, SHOWN_CELLS).map((figure) => (
              <FigureRow figure={figure} rate={rateOf(figure, noise, shownFrom)} most={most} />
            ))}
          </tbody>
        </table>
      </div>
      {figures.length > SHOWN_CELLS && (
        <p class="small muted">The CSV has the other {formatCount(figures.length - SHOWN_CELLS)} figures.</p>
      )}
      {shownFrom !== undefined && figures.some((figure) => isNear(figure, shownFrom)) && (
        <p class="small muted">
          Noise alone can have lifted a figure whose interval begins at 0: there may be nobody in its cell.
        </p>
      )}
      <MethodOf release={release} />
    </div>
  );
}

function FigureRow({ figure, rate, most }: {
  readonly figure: Figure;
  readonly rate: ReturnType<typeof rateOf>;
  readonly most: number;
}) {
  const { cell, count, lower, upper } = figure;
  return (
    <tr>
      <th scope="row">{cellName(cell)}</th>
      <td class="number">
        <b>{formatCount(count)}</b>
      </td>
      <td class="number">{formatCount(lower)} to {formatCount(upper)}</td>
      {rate !== undefined && (
        <>
          <td class="number">{formatCount(sizeOf(figure))}</td>
          <RateCells rate={rate} />
        </>
      )}
      <td class="share">
        <meter min={0} max={most} value={Math.max(0, sizeOf(figure))} aria-label={cellName(cell)} />
      </td>
    </tr>
  );
}

/** What the figures of an answer say together. */
export function AnswerTogether({ release }: { readonly release: Release }) {
  const derived = deriveFrom(release);
  if (derived === undefined || release.plan.by.length === 0) return null;
  return <DerivedFigures derived={derived} day={formatDay(release.day)} counted={countedIn(release)} />;
}

function countedIn({ plan }: Release): string {
  return plan.eventsPerCell === 1 ? "People" : "Events";
}

function describeNoise(noise: Release["noise"]): string {
  return noise.kind === "laplace"
    ? `Laplace noise of scale ${round(toNumber(noise.scale))}`
    : `Gaussian noise of standard deviation ${round(Math.sqrt(toNumber(noise.variance)))}`;
}

function describeCost({ plan: { cost } }: Release): string {
  return `${round(toNumber(cost.amount))} ${cost.unit === "pure" ? "epsilon" : "rho"}`;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
