/**
 * What the next answer to a question will be worth, before anything is spent on it.
 *
 * @module
 */
import type { ReleaseQuery } from "../../../core/config/release_types.ts";
import type { Application } from "../../../core/config/types.ts";
import { forecast, FORETOLD_RATE } from "../../../core/privacy/release/forecast.ts";
import { formatCount } from "../frame/format.ts";
import { percent } from "./derived.tsx";

/** The forecast in a few sentences, folded up. */
export function Expected({ app, query }: { readonly app: Application; readonly query: ReleaseQuery }) {
  const { people, cells, reach, totalReach, rateReach, shownFrom, even, longTail } = forecast(app, query);
  return (
    <details>
      <summary>
        Expected error: ± {formatCount(reach)} a figure, {keptShares(longTail.cells, even.cells)}{" "}
        of the cells kept
      </summary>
      <p class="small muted">
        If {formatCount(people)} people send it: each figure of {formatCount(cells)} is within{" "}
        {formatCount(reach)} of the truth with 95 % confidence
        {totalReach !== undefined && cells > 1 && `, their total within ${formatCount(totalReach)}`}
        {rateReach !== undefined &&
          `, and a rate of ${percent(FORETOLD_RATE)} in a cell of average size within ${percent(rateReach)}`}.
        A cell is shown from about {formatCount(shownFrom)} people on: {percent(even.cells)}{" "}
        of them if all are equally frequent, {percent(longTail.cells)}{" "}
        with a long tail (Zipf), which then have {percent(longTail.people)} of the people.
      </p>
    </details>
  );
}

function keptShares(longTail: number, even: number): string {
  const [least, most] = [Math.min(longTail, even), Math.max(longTail, even)];
  return least === most ? percent(least) : `${percent(least)} to ${percent(most)}`;
}
