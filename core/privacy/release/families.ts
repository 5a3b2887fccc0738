/**
 * The rows of releases and of what they have cost.
 *
 * @module
 */
import { type Family, family } from "../../store/families.ts";
import type { Key, Range } from "../../store/port.ts";

/**
 * Of an application alone: the first day that is released. Else a release: part 0 is its ReleaseRow, the others are its
 * figures.
 */
export const RELEASES: Family<[app: string] | [app: string, day: number, query: string, part: number]> =
  family(
    "i",
    "releases",
  );
/**
 * What releases of a day have cost: BudgetRow. And, where the day should be, `guard`: rewritten by everybody who pays, so
 * that of two who pay at once one fails, an empty string; `terms`: what was promised, Terms[]; and `first`: the first day of which there can be
 * records.
 */
export const BUDGETS: Family<[app: string, day: number | "guard" | "terms" | "first"]> = family(
  "j",
  "privacy budgets",
);

/** The releases of an application of the days from..to, both included. */
export function releasesOf(app: string, from: number, to: number): Range {
  return RELEASES.range([app, from], [app, to + 1]);
}

/** What the releases of the days from..to have cost, both included. */
export function budgetsOf(app: string, from: number, to: number): Range {
  return BUDGETS.range([app, from], [app, to + 1]);
}

/** The guard of an application's budget. */
export function budgetGuard(app: string): Key {
  return BUDGETS.key(app, "guard");
}

/** The terms of an application's budget. */
export function termsOfBudgets(app: string): Key {
  return BUDGETS.key(app, "terms");
}

/** The first day on which an application can have had clients. */
export function firstDayOf(app: string): Key {
  return BUDGETS.key(app, "first");
}
