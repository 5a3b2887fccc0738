/**
 * Checks the releases of an application: what is asked can be counted, and what all of it costs fits into the budget.
 *
 * @module
 */
import { compose, repeat } from "../../privacy/dp/accounting.ts";
import { budgetOf } from "../../privacy/release/budget.ts";
import { compare, toNumber } from "../../privacy/dp/rational.ts";
import {
  cellCount,
  MAX_DECLARED_CELLS,
  periodDays,
  planOf,
  type ReleasingApplication,
  selectionOf,
} from "../../privacy/release/plan.ts";
import type { EventSchema } from "../../schema/event.ts";
import { checkEvents } from "./events.ts";
import { isMembers, type Members, refuseUnknown } from "./json.ts";

const QUERY_MEMBERS = [
  "event",
  "by",
  "of",
  "epsilon",
  "rho",
  "cells",
  "delta",
  "cellsPerPerson",
  "eventsPerCell",
  "threshold",
];
const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const MAX_FIELDS = 4;
const UNITS = ["epsilon", "rho"] as const;
type Unit = typeof UNITS[number];
/** Below it noise is wider than the numbers that intervals are computed with, and nothing could be read from it. */
const LEAST_AMOUNT = { epsilon: 1e-6, rho: 1e-12, delta: 1e-30 } as const;

/** One sentence a mistake. `rotationDays` is how long a pseudonym lasts. */
export function checkReleases(
  path: string,
  releases: unknown,
  events: unknown,
  rotationDays: number,
): string[] {
  if (!isMembers(releases)) return [`${path}: write { budget: { ... }, queries: { ... } }.`];
  const mistakes: string[] = [];
  refuseUnknown(path, releases, ["budget", "queries", "deleteRaw"], mistakes);
  if (releases.deleteRaw !== undefined && typeof releases.deleteRaw !== "boolean") {
    mistakes.push(`${path}.deleteRaw: write true or false.`);
  }
  const unit = checkBudget(`${path}.budget`, releases.budget, rotationDays, mistakes);
  const { queries } = releases;
  if (!isMembers(queries) || Object.keys(queries).length === 0) {
    mistakes.push(`${path}.queries: ask at least one question, by name.`);
    return mistakes;
  }
  for (const [name, query] of Object.entries(queries)) {
    const at = `${path}.queries.${name}`;
    if (!NAME.test(name)) {
      mistakes.push(`${at}: name it with a-z, 0-9 and "_", a letter first, at most 63 characters.`);
    }
    if (!isMembers(query)) mistakes.push(`${at}: write which event is counted, and what that may cost.`);
    // Events with mistakes of their own have been named; what is asked of them cannot be checked.
    else if (unit !== undefined && checkEvents("", events).length === 0) {
      checkQuery(at, query, events as Members, unit, mistakes);
    }
  }
  if (mistakes.length === 0) {
    const app = { events, releases, pseudonymSeconds: 86_400 * rotationDays };
    checkSum(path, app as unknown as ReleasingApplication, unit!, mistakes);
    checkSelections(path, app as unknown as ReleasingApplication, mistakes);
  }
  return mistakes;
}

function checkBudget(
  path: string,
  budget: unknown,
  rotationDays: number,
  mistakes: string[],
): Unit | undefined {
  if (!isMembers(budget)) {
    mistakes.push(`${path}: write { epsilon: ... } or { rho: ... }.`);
    return undefined;
  }
  refuseUnknown(path, budget, [...UNITS, "delta", "days"], mistakes);
  const [unit, ...others] = UNITS.filter((name) => budget[name] !== undefined);
  if (unit === undefined || others.length > 0) {
    mistakes.push(`${path}: write either epsilon or rho.`);
    return undefined;
  }
  checkAmount(path, unit, budget, 1_000, mistakes);
  if (budget.delta !== undefined) checkAmount(path, "delta", budget, 0.01, mistakes);
  const { days } = budget;
  const isPeriod = Number.isInteger(days) && (days as number) >= 1 && (days as number) <= 400 &&
    (days as number) % rotationDays === 0;
  if (days !== undefined && !isPeriod) {
    mistakes.push(
      `${path}.days: write a multiple of ${rotationDays}, so that no pseudonym has two budgets, 400 at most.`,
    );
  }
  return unit;
}

function checkAmount(
  path: string,
  name: keyof typeof LEAST_AMOUNT,
  { [name]: amount }: Members,
  most: number,
  mistakes: string[],
): void {
  const least = LEAST_AMOUNT[name];
  if (typeof amount !== "number" || !(amount >= least && amount <= most)) {
    mistakes.push(`${path}.${name}: write a number from ${least} to ${most}.`);
  }
}

function checkQuery(path: string, query: Members, events: Members, unit: Unit, mistakes: string[]): void {
  const before = mistakes.length;
  refuseUnknown(path, query, QUERY_MEMBERS, mistakes);
  for (const other of UNITS) {
    if (other !== unit && query[other] !== undefined) {
      mistakes.push(`${path}.${other}: write ${unit}, as the budget does.`);
    }
  }
  checkAmount(path, unit, query, 1_000, mistakes);
  checkWhole(path, query, "cellsPerPerson", 1, 100, mistakes);
  checkWhole(path, query, "eventsPerCell", 1, 1_000, mistakes);
  checkWhole(path, query, "threshold", 0, 10 ** 6, mistakes);
  if (query.delta !== undefined) checkAmount(path, "delta", query, 0.01, mistakes);
  const { cells } = query;
  if (cells !== undefined && cells !== "declared" && cells !== "selected") {
    mistakes.push(`${path}.cells: choose declared or selected.`);
  }
  const event = typeof query.event === "string" && Object.hasOwn(events, query.event)
    ? events[query.event] as EventSchema
    : undefined;
  if (event === undefined) mistakes.push(`${path}.event: name an event of this application.`);
  else if (query.of !== undefined) checkEstimate(path, query, event, mistakes);
  else checkBreakdown(path, query, event, before, mistakes);
}

function checkEstimate(path: string, query: Members, event: EventSchema, mistakes: string[]): void {
  const { of } = query;
  const field = typeof of === "string" && Object.hasOwn(event.fields, of) ? event.fields[of] : undefined;
  if (field?.localDp === undefined) {
    mistakes.push(`${path}.of: name a field of the event that is under local differential privacy.`);
  }
  for (const name of ["by", "cells", "delta", "cellsPerPerson", "eventsPerCell"]) {
    if (query[name] !== undefined) {
      mistakes.push(`${path}.${name}: remove it: of one person one report is counted.`);
    }
  }
}

function checkBreakdown(
  path: string,
  query: Members,
  event: EventSchema,
  before: number,
  mistakes: string[],
): void {
  const { by = [] } = query;
  const isList = Array.isArray(by) && by.length <= MAX_FIELDS && new Set(by).size === by.length;
  if (!isList || !by.every((name) => typeof name === "string" && Object.hasOwn(event.fields, name))) {
    mistakes.push(`${path}.by: list at most ${MAX_FIELDS} different fields of the event.`);
    return;
  }
  const noised = (by as string[]).find((name) => event.fields[name]!.localDp !== undefined);
  if (noised !== undefined) {
    mistakes.push(
      `${path}.by: ask "of" ${noised} in a question of its own: its values are randomised reports.`,
    );
  }
  const isDeclared = cellCount(event, by) <= MAX_DECLARED_CELLS;
  if (query.cells === "declared" && !isDeclared) {
    mistakes.push(`${path}.cells: choose selected: there are more than ${MAX_DECLARED_CELLS} combinations.`);
  }
  if (
    query.delta !== undefined && (query.cells === "declared" || (query.cells === undefined && isDeclared))
  ) {
    mistakes.push(`${path}.delta: remove it, or choose cells "selected": declared cells cost none.`);
  }
  if (query.cells === "selected" && by.length === 0 && mistakes.length === before) {
    mistakes.push(`${path}.cells: remove it: without a breakdown there is nothing to select.`);
  }
}

function checkWhole(
  path: string,
  query: Members,
  name: string,
  min: number,
  max: number,
  mistakes: string[],
): void {
  const value = query[name];
  if (value === undefined) return;
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    mistakes.push(`${path}.${name}: write a whole number from ${min} to ${max}.`);
  }
}

/** A budget that cannot pay for its questions would refuse the last days of every period. */
function checkSum(path: string, app: ReleasingApplication, unit: Unit, mistakes: string[]): void {
  const budget = budgetOf(app);
  const costs = Object.values(app.releases!.queries).map((query) => planOf(app, query).cost);
  const daily = compose(budget.unit, costs);
  const days = periodDays(app);
  const needed = repeat(daily, days);
  for (const [name, part] of [[unit, "amount"], ["delta", "delta"]] as const) {
    if (compare(needed[part], budget[part]) <= 0) continue;
    mistakes.push(
      `${path}.budget.${name}: the questions cost ${toNumber(daily[part])} a day, ${
        toNumber(needed[part])
      } in ` +
        `${days} days: ask less, or allow it.`,
    );
  }
}

/** A selection that would hardly ever name a cell is refused here and not in the night in which it is to be made. */
function checkSelections(path: string, app: ReleasingApplication, mistakes: string[]): void {
  for (const [name, query] of Object.entries(app.releases!.queries)) {
    const plan = planOf(app, query);
    if (plan.cells !== "selected") continue;
    try {
      selectionOf(plan);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      mistakes.push(
        `${path}.queries.${name}: allow it more epsilon, rho or delta, or fewer cellsPerPerson: ` +
          "no cell of fewer than 100000 people could be named.",
      );
    }
  }
}
