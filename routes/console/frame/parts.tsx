/**
 * Small parts that pages share.
 *
 * @module
 */
import type { Child } from "hono/jsx";
import { drawnCount, formatCount, formatDistance, formatMany, formatMoment, formatShare } from "./format.ts";

/** What a colour says. */
export type Tone = "good" | "warn" | "bad" | "info" | "plain";

/** A short word that stands out. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: Child }) {
  return <span class={tone === "plain" ? "badge" : `badge ${tone}`}>{children}</span>;
}

/** A moment, and how far away it is. */
export function Moment({ at, now }: { readonly at: number; readonly now: number }) {
  return (
    <span class="nowrap">
      <time datetime={new Date(at * 1000).toISOString()}>{formatMoment(at)}</time>{" "}
      <span class="muted small">{formatDistance(at, now)}</span>
    </span>
  );
}

/** A label and its count. */
export type Share = readonly [label: string, count: number];

/** Shares of a whole as bars with their figures. */
export function Shares({ shares, heads, empty }: {
  readonly shares: readonly Share[];
  readonly heads: readonly [label: string, count: string];
  readonly empty: string;
}) {
  const whole = shares.reduce((sum, [, count]) => sum + drawnCount(count), 0);
  if (whole === 0) return <p class="empty">{empty}</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{heads[0]}</th>
          <th scope="col" class="number">{heads[1]}</th>
          <th scope="col">
            <span class="sr">Share</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {shares.map(([label, count]) => (
          <tr>
            <td>{label}</td>
            <td class="number">{formatMany(count)}</td>
            <td class="share">
              <meter
                min={0}
                max={whole}
                value={drawnCount(count)}
                aria-label={`${label}: share of the whole`}
              >
                {formatShare(drawnCount(count), whole)}
              </meter>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** How a series of a figure is drawn. */
export type SeriesKind = "line" | "bars" | "points" | "low" | "high";

/** The colours of series; those with a number are for what is told apart by nothing else. */
export type SeriesColor = "accent" | "bad" | "good" | "muted" | "c1" | "c2" | "c3" | "c4" | "c5";

/** A figure: series over time, the same as numbers and as a plot. */
export interface Figure {
  /** Unix seconds. */
  readonly times: readonly number[];
  /** Label, colour and kind of each series. */
  readonly series: readonly (readonly [label: string, color: SeriesColor, kind: SeriesKind])[];
  /** The values of each series, as many as there are times; null is a gap. */
  readonly values: readonly (readonly (number | null)[])[];
}

/** A plot with its numbers in a table: the plot is drawn in the browser, the table is always there. */
export function Plot({ id, title, figure }: {
  readonly id: string;
  readonly title: string;
  readonly figure: Figure;
}) {
  return (
    <figure>
      <div
        class="plot"
        role="img"
        aria-label={`${title}: the table below has the figures`}
        data-figure={id}
      />
      <script type="application/json" id={id} dangerouslySetInnerHTML={{ __html: scriptJson(figure) }} />
    </figure>
  );
}

/** The numbers behind a plot, those rows left out in which nothing happened. */
export function PlotTable({ figure, at = "Time (UTC)" }: { readonly figure: Figure; readonly at?: string }) {
  const rows = figure.times.map((time, row) =>
    [time, figure.values.map((values) => values[row] ?? null)] as const
  )
    .filter(([, values]) => values.some((value) => value !== null && value !== 0)).toReversed();
  return (
    <details>
      <summary>The figures as a table</summary>
      {rows.length === 0
        ? <p class="empty">Nothing yet.</p>
        : (
          <div class="scroll" tabindex={0} role="region" aria-label="Figures">
            <table>
              <thead>
                <tr>
                  <th scope="col">{at}</th>
                  {figure.series.map(([label]) => <th scope="col" class="number">{label}</th>)}
                </tr>
              </thead>
              <tbody>
                {rows.map(([time, values]) => (
                  <tr>
                    <td class="nowrap">{formatMoment(time)}</td>
                    {values.map((value) => <td class="number">{value === null ? "—" : formatCount(value)}
                    </td>)}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </details>
  );
}

/** JSON that no HTML parser can take for markup, whatever stands in it. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll(
    "&",
    "\\u0026",
  );
}
