/**
 * The heat map of re-identification risk: one field against another, and day after day.
 *
 * @module
 */
import type { MeasuredDimension, RiskDay } from "../../../core/privacy/risk/history.ts";
import { formatCount, formatMany } from "../frame/format.ts";
import { dimensionOf, SHOWN_DAYS } from "./view.ts";

/** Shares of people with a rare value from which on a cell is a shade darker. */
const SHADES = [0.001, 0.01, 0.05, 0.2, 0.5];

function shadeOf(share: number): number {
  return SHADES.filter((from) => share >= from).length;
}

/** A share for people. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

function describe({ fields, verdict, figures, minPseudonyms }: MeasuredDimension): string {
  const { pseudonyms, values, exposed, share } = figures;
  const what = fields.join(" and ");
  if (verdict === "waiting") {
    return `${what}: too few people to judge, ${formatMany(pseudonyms)} of ${formatCount(minPseudonyms)}`;
  }
  return `${what}: ${percent(exposed)} of ${formatMany(pseudonyms)} people have a rare value, ` +
    `${percent(share)} of ${formatMany(values)} values are rare; ${VERDICTS[verdict]}`;
}

/** What a verdict means, of what was judged. */
export const VERDICTS = { passed: "well", warn: "near the limit", stop: "over the limit" } as const;

function HeatCell({ dimension, label = true }: {
  readonly dimension: MeasuredDimension | undefined;
  readonly label?: boolean;
}) {
  if (dimension === undefined) {
    return (
      <td class="heat none">
        <span class="sr">not measured</span>
      </td>
    );
  }
  const { verdict, figures } = dimension;
  const text = describe(dimension);
  if (verdict === "waiting") {
    return (
      <td class="heat waiting" title={text}>
        <span aria-hidden="true">·</span>
        <span class="sr">{text}</span>
      </td>
    );
  }
  return (
    <td class={`heat h${shadeOf(figures.exposed)} ${verdict}`} title={text}>
      <span aria-hidden="true">
        {label ? percent(figures.exposed) : verdict === "stop" ? "!" : ""}
      </span>
      <span class="sr">{text}</span>
    </td>
  );
}

/**
 * Fields against fields: alone on the diagonal, in pairs below it, all that are measured in the last line. A field that is
 * not collected any more has no figures.
 */
export function HeatMap({ day, fields, suppressed }: {
  readonly day: RiskDay | undefined;
  readonly fields: readonly string[];
  readonly suppressed: ReadonlySet<string>;
}) {
  const measured = fields.filter((field) => !suppressed.has(field));
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Risk by field and pair">
      <table class="heatmap">
        <thead>
          <tr>
            <th scope="col">
              <span class="sr">Field</span>
            </th>
            {fields.map((field) => (
              <th scope="col">
                <code>{field}</code>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {fields.map((row, index) => (
            <tr>
              <th scope="row">
                <code>{row}</code>
              </th>
              {fields.slice(0, index + 1).map((column) =>
                suppressed.has(row) || suppressed.has(column)
                  ? <td class="heat off">{row === column ? "not collected" : ""}</td>
                  : <HeatCell dimension={dimensionOf(day, row === column ? [row] : [row, column])} />
              )}
              {fields.slice(index + 1).map(() => <td />)}
            </tr>
          ))}
          {measured.length > 2 && (
            <tr>
              <th scope="row">all together</th>
              <HeatCell dimension={dimensionOf(day, measured)} />
              {fields.slice(1).map(() => <td />)}
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

/** The same over the last days, for every field, every pair that came near a limit, and the whole record. */
export function HeatHistory({ days, fields, today }: {
  readonly days: readonly RiskDay[];
  readonly fields: readonly string[];
  readonly today: number;
}) {
  const byDay = new Map(days.map((day) => [day.day, day]));
  const shown = Array.from({ length: SHOWN_DAYS }, (_, index) => today - SHOWN_DAYS + 1 + index);
  const lines: (readonly string[])[] = fields.map((field) => [field]);
  for (const { dimensions } of days) {
    for (const { fields: pair, verdict } of dimensions) {
      if (pair.length !== 2 || (verdict !== "warn" && verdict !== "stop")) continue;
      if (!lines.some((line) => line.join(" ") === pair.join(" "))) lines.push(pair);
    }
  }
  if (fields.length > 2) lines.push(fields);
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Risk by day">
      <table class="heatmap history">
        <thead>
          <tr>
            <th scope="col">
              <span class="sr">Fields</span>
            </th>
            {shown.map((day) => (
              <th scope="col">
                <span class="small">{new Date(day * 86_400_000).toISOString().slice(5, 10)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr>
              <th scope="row">{line.length > 2 ? "all together" : <code>{line.join(" + ")}</code>}</th>
              {shown.map((day) => (
                <HeatCell
                  dimension={line.length > 2
                    ? wholeRecord(byDay.get(day))
                    : dimensionOf(byDay.get(day), line)}
                  label={false}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** All fields that were measured on a day, where they were more than a pair. */
function wholeRecord(day: RiskDay | undefined): MeasuredDimension | undefined {
  const last = day?.dimensions.at(-1);
  return last !== undefined && last.fields.length > 2 ? last : undefined;
}

/** What the shades mean. */
export function HeatKey() {
  const steps = ["none", "0.1 %", "1 %", "5 %", "20 %", "50 %"];
  return (
    <ul class="heatkey" aria-label="Shades">
      <li class="muted">People with a rare value:</li>
      {steps.map((step, index) => (
        <li>
          <span class={`swatch h${index}`} aria-hidden="true" />
          {index === 0 ? step : `from ${step}`}
        </li>
      ))}
      <li>
        <span class="swatch waiting" aria-hidden="true">·</span> too few to judge
      </li>
    </ul>
  );
}
