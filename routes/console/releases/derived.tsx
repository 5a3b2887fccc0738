/**
 * What the figures of an answer say together: totals, shares and quantiles, each with where it is.
 *
 * @module
 */
import type { Derived, FieldQuantile, Range, ValueTotal } from "../../../core/privacy/release/derived.ts";
import type { ShareEstimate } from "../../../core/privacy/dp/noised_sum.ts";
import { formatCount } from "../frame/format.ts";

/** Rows of a table. */
const SHOWN_ROWS = 30;

/** Totals, shares and quantiles of one answer, folded up. */
export function DerivedFigures({ derived: { all, values, quantiles }, day, counted }: {
  readonly derived: Derived;
  readonly day: string;
  readonly counted: string;
}) {
  return (
    <>
      <p class="small muted">
        All together: <b>{formatCount(all.count)}</b> {counted.toLowerCase()}, {formatCount(all.lower)} to
        {" "}
        {formatCount(all.upper)}, also those in suppressed figures.{all.rate?.share !== undefined && (
          <>
            {" "}Rate: <b>{percent(all.rate.share)}</b>, {percent(all.rate.lower)} to{" "}
            {percent(all.rate.upper)}.
          </>
        )}
      </p>
      {quantiles.length > 0 && (
        <details>
          <summary>Median and other quantiles</summary>
          <div class="scroll" tabindex={0} role="region" aria-label={`Quantiles of ${day}`}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Field</th>
                  <th scope="col">Quantile</th>
                  <th scope="col" class="number">Estimate</th>
                  <th scope="col" class="number">95 % interval</th>
                </tr>
              </thead>
              <tbody>
                {quantiles.slice(0, SHOWN_ROWS).map((quantile) => <QuantileRow quantile={quantile} />)}
              </tbody>
            </table>
          </div>
        </details>
      )}
      {values.length > 0 && (
        <details>
          <summary>Totals and shares of single values</summary>
          <div class="scroll" tabindex={0} role="region" aria-label={`Totals of ${day}`}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Value</th>
                  <th scope="col" class="number">{counted}</th>
                  <th scope="col" class="number">95 % interval</th>
                  <th scope="col" class="number">Share of all</th>
                  <th scope="col" class="number">95 % interval</th>
                  {all.rate !== undefined && (
                    <>
                      <th scope="col" class="number">Rate</th>
                      <th scope="col" class="number">95 % interval</th>
                    </>
                  )}
                </tr>
              </thead>
              <tbody>
                {values.slice(0, SHOWN_ROWS).map((total) => <TotalRow total={total} />)}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </>
  );
}

/** A rate and its interval, in two cells of a table. */
export function RateCells({ rate: { share, lower, upper } }: { readonly rate: ShareEstimate }) {
  return (
    <>
      <td class="number nowrap">
        <b>{share === undefined ? "—" : percent(share)}</b>
      </td>
      <td class="number nowrap">{percent(lower)} to {percent(upper)}</td>
    </>
  );
}

function TotalRow(
  { total: { field, value, count, lower, upper, share, rate } }: { readonly total: ValueTotal },
) {
  return (
    <tr>
      <th scope="row">
        <span class="muted">{field}</span> {value === null ? "none" : String(value)}
      </th>
      <td class="number">
        <b>{formatCount(count)}</b>
      </td>
      <td class="number">{formatCount(lower)} to {formatCount(upper)}</td>
      <td class="number">
        <b>{share.share === undefined ? "—" : percent(share.share)}</b>
      </td>
      <td class="number nowrap">{percent(share.lower)} to {percent(share.upper)}</td>
      {rate !== undefined && <RateCells rate={rate} />}
    </tr>
  );
}

function QuantileRow({ quantile: { field, among, quantile, range, interval } }: {
  readonly quantile: FieldQuantile;
}) {
  const group = Object.entries(among).map(([name, value]) => `${name} ${value ?? "none"}`).join(", ");
  return (
    <tr>
      <th scope="row">
        {field}
        {group !== "" && " "}
        <span class="muted">{group}</span>
      </th>
      <td>p{quantile * 100}</td>
      <td class="number nowrap">
        <b>{rangeInWords(range)}</b>
      </td>
      <td class="number nowrap">{rangeInWords(interval)}</td>
    </tr>
  );
}

/** A share: `4.2 %`. */
export function percent(share: number): string {
  return `${share === 0 || share === 1 ? share * 100 : (share * 100).toFixed(1)} %`;
}

/** Between which measurements: `100 to 250`. */
function rangeInWords({ from, to }: Range): string {
  if (from === null) return to === null ? "anything" : `below ${to}`;
  return to === null ? `${from} or more` : `${from} to ${to}`;
}
