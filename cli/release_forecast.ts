/**
 * What the answers to an application's questions will be worth, as a table.
 *
 * @module
 */
import type { Application } from "../core/config/types.ts";
import { toNumber } from "../core/privacy/dp/rational.ts";
import { forecast, FORETOLD_RATE } from "../core/privacy/release/forecast.ts";
import { planOf } from "../core/privacy/release/plan.ts";
import { formatTable } from "./table.ts";

/** The forecast of every question, with what an answer costs; undefined where nothing is asked. */
export function forecastTable(app: Application): string | undefined {
  if (app.releases === undefined) return undefined;
  const rows = Object.entries(app.releases.queries).map(([name, query]) => {
    const { amount, unit } = planOf(app, query).cost;
    const { people, cells, reach, totalReach, rateReach, shownFrom, even, longTail } = forecast(app, query);
    return [
      name,
      `${unit === "pure" ? "epsilon" : "rho"} ${toNumber(amount)} a ${query.over ?? "day"}`,
      cells,
      `± ${reach} of ${Math.round(people / cells)}`,
      totalReach === undefined ? "" : `± ${totalReach}`,
      rateReach === undefined ? "" : `± ${percent(rateReach)}`,
      shownFrom,
      percent(even.cells),
      `${percent(longTail.cells)} (${percent(longTail.people)} of the people)`,
    ];
  });
  return formatTable([
    [
      "question",
      "cost",
      "cells",
      "error of an even cell",
      "of the total",
      `of a rate of ${percent(FORETOLD_RATE)}`,
      "shown from",
      "cells kept, even",
      "cells kept, long tail",
    ],
    ...rows,
  ]);
}

function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? Math.round(value) : value.toPrecision(2)} %`;
}
