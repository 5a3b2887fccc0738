/**
 * Checks the releases of an application: what is asked can be counted, and what all of it costs fits into the budget.
 *
 * @module
 */
import { z } from "zod";
import { compose, repeat } from "../../privacy/dp/accounting.ts";
import { budgetOf } from "../../privacy/release/promises.ts";
import { compare, toNumber } from "../../privacy/dp/rational.ts";
import {
  cellCount,
  daysOf,
  MAX_DECLARED_CELLS,
  periodDays,
  planOf,
  type ReleasingApplication,
  selectionOf,
} from "../../privacy/release/plan.ts";
import type { ReleaseQuery, ReleasesConfig } from "../release_types.ts";
import type { EventSchema, EventSchemas } from "../../schema/event.ts";
import type { FieldSchema } from "../../schema/fields/types.ts";
import {
  BESIDE_OTHERS,
  byName,
  checkPart,
  checkSnakeName,
  integer,
  isMembers,
  numberFrom,
  say,
} from "./json.ts";

const MAX_FIELDS = 4;
const UNITS = ["epsilon", "rho"] as const;
type Unit = typeof UNITS[number];
/** Below it noise is wider than the numbers that intervals are computed with, and nothing could be read from it. */
const LEAST_AMOUNT = { epsilon: 1e-6, rho: 1e-12, delta: 1e-30 } as const;

/** What releases can be asked of. */
export interface Releasing {
  /** The events, checked; undefined where they have mistakes, which have been named. */
  readonly events: EventSchemas | undefined;
  /** How long a pseudonym lasts. */
  readonly rotationDays: number;
  /** How many days raw records are kept. */
  readonly retentionDays: number;
}

/** The releases of an application. */
export function releases({ events, rotationDays, retentionDays }: Releasing) {
  return z.strictObject({
    budget: budgetShape(rotationDays),
    queries: z.unknown().optional(),
    deleteRaw: z.boolean("write true or false").optional(),
  }, "write { budget: { ... }, queries: { ... } }").superRefine(({ budget, queries }, context) => {
    const unit = UNITS.find((name) => isMembers(budget) && budget[name] !== undefined);
    checkPart(context, ["queries"], questions(unit, events), queries);
  }, BESIDE_OTHERS).superRefine((written: unknown, context) => {
    if (context.issues.length > 0 || events === undefined) return;
    const app = { events, releases: written as ReleasesConfig, pseudonymSeconds: 86_400 * rotationDays };
    checkPeriods(app, retentionDays, context);
    checkSum(app, app.releases, context);
    checkSelections(app, app.releases, context);
  });
}

/** The questions by name. What they ask is checked where the budget has a unit and the events have no mistakes. */
function questions(unit: Unit | undefined, events: EventSchemas | undefined) {
  const anything = z.custom(isMembers, QUESTION);
  return byName({
    definition: unit === undefined || events === undefined ? anything : question(unit, events),
    sentence: NO_QUESTION,
    checkName: checkSnakeName,
  }).refine((queries) => Object.keys(queries).length > 0, NO_QUESTION);
}

const NO_QUESTION = "ask at least one question, by name";
const QUESTION = "write which event is counted, and what that may cost";

function amount(name: keyof typeof LEAST_AMOUNT, most: number) {
  const least = LEAST_AMOUNT[name];
  return numberFrom(least, most, `write a number from ${least} to ${most}`);
}

function budgetShape(rotationDays: number) {
  const isPeriod = (days: unknown) =>
    typeof days === "number" && Number.isInteger(days / rotationDays) && days >= 1 && days <= 400;
  return z.strictObject({
    epsilon: amount("epsilon", 1_000).optional(),
    rho: amount("rho", 1_000).optional(),
    delta: amount("delta", 0.01).optional(),
    days: z.unknown().refine(
      isPeriod,
      `write a multiple of ${rotationDays}, so that no pseudonym has two budgets, 400 at most`,
    ).optional(),
  }, "write { epsilon: ... } or { rho: ... }").superRefine((budget, context) => {
    const units = UNITS.filter((name) => budget[name] !== undefined);
    if (units.length !== 1) say(context, [], "write either epsilon or rho");
  }, BESIDE_OTHERS);
}

function question(unit: Unit, events: EventSchemas) {
  const other = z.undefined(`write ${unit}, as the budget does`).optional();
  return z.strictObject({
    event: z.unknown().optional(),
    by: z.unknown().optional(),
    of: z.unknown().optional(),
    among: z.unknown().optional(),
    over: z.literal("period", "write period, or nothing for every day").optional(),
    epsilon: other,
    rho: other,
    [unit]: amount(unit, 1_000),
    cells: z.enum(["declared", "selected"], "choose declared or selected").optional(),
    delta: amount("delta", 0.01).optional(),
    cellsPerPerson: integer(1, 100).optional(),
    eventsPerCell: integer(1, 1_000).optional(),
    threshold: integer(0, 10 ** 6).optional(),
  }, QUESTION).superRefine((query: Question, context) => {
    const event = ownMember(events, query.event);
    if (event === undefined) say(context, ["event"], "name an event of this application");
    else if (query.of !== undefined) checkEstimate(query, event, context);
    else {
      checkBreakdown(query, event, context);
      if (query.among !== undefined) checkRate(query, events, context);
    }
  }, BESIDE_OTHERS);
}

/** A question as somebody wrote it. */
type Question = { readonly [name in keyof ReleaseQuery]?: unknown };

/** The member of a name that somebody wrote, if there is one. */
function ownMember<T>(members: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === "string" && Object.hasOwn(members, name) ? members[name] : undefined;
}

function checkEstimate(query: Question, event: EventSchema, context: z.RefinementCtx<unknown>): void {
  if (ownMember(event.fields, query.of)?.localDp === undefined) {
    say(context, ["of"], "name a field of the event that is under local differential privacy");
  }
  for (const name of ["by", "among", "cells", "delta", "cellsPerPerson", "eventsPerCell"] as const) {
    if (query[name] !== undefined) say(context, [name], "remove it: of one person one report is counted");
  }
}

function checkBreakdown(query: Question, event: EventSchema, context: z.RefinementCtx<unknown>): void {
  const { by = [], cells, delta } = query;
  const names = fieldNames(event).array().max(MAX_FIELDS).safeParse(by).data;
  if (names === undefined || new Set(names).size < names.length) {
    return say(context, ["by"], `list at most ${MAX_FIELDS} different fields of the event`);
  }
  const noised = names.find((name) => event.fields[name]?.localDp !== undefined);
  if (noised !== undefined) {
    say(context, ["by"], `ask "of" ${noised} in a question of its own: its values are randomised reports`);
  }
  const isDeclared = cellCount(event, names) <= MAX_DECLARED_CELLS;
  if (cells === "declared" && !isDeclared) {
    say(context, ["cells"], `choose selected: there are more than ${MAX_DECLARED_CELLS} combinations`);
  }
  if (delta !== undefined && (cells === "declared" || (cells === undefined && isDeclared))) {
    say(context, ["delta"], 'remove it, or choose cells "selected": declared cells cost none');
  }
  if (cells === "selected" && names.length === 0 && context.issues.length === 0) {
    say(context, ["cells"], "remove it: without a breakdown there is nothing to select");
  }
}

/**
 * A person is in one cell with an event as with the other, so both have to have the very fields; and the people who are
 * asked for one event have to be those who are asked for the other, which two samples are not.
 */
function checkRate(
  { event, by = [], among, eventsPerCell }: Question,
  events: EventSchemas,
  context: z.RefinementCtx<unknown>,
): void {
  const other = ownMember(events, among);
  if (other === undefined || among === event) {
    return say(context, ["among"], "name another event of this application");
  }
  if (eventsPerCell !== undefined) say(context, ["eventsPerCell"], "remove it: a rate is one of people");
  const counted = ownMember(events, event);
  if ([counted, other].some((asked) => (asked?.sample ?? 1) !== 1)) {
    say(context, ["among"], "name an event without sample, of one without it: a rate is of the same people");
  }
  for (const name of Array.isArray(by) ? by : []) {
    const [mine, theirs] = [ownMember(counted?.fields ?? {}, name), ownMember(other.fields, name)];
    if (mine === undefined || (theirs !== undefined && domainOf(mine) === domainOf(theirs))) continue;
    say(context, ["among"], `name an event that has the field ${name} with the same values`);
  }
}

/** What a field may hold, whatever it says of itself besides. */
function domainOf(field: FieldSchema): string {
  const members = Object.entries(field).filter(([name]) => name !== "description" && name !== "optional");
  return JSON.stringify(members.sort(([a], [b]) => a < b ? -1 : 1));
}

function fieldNames({ fields }: EventSchema) {
  return z.string().refine((name) => Object.hasOwn(fields, name));
}

/** A budget that cannot pay for its questions would refuse the last days of every period. */
function checkSum(
  app: ReleasingApplication,
  { queries }: ReleasesConfig,
  context: z.RefinementCtx<unknown>,
): void {
  const budget = budgetOf(app);
  const days = periodDays(app);
  const needed = compose(
    budget.unit,
    Object.values(queries).map((query) => repeat(planOf(app, query).cost, days / daysOf(app, query))),
  );
  const unit = budget.unit === "pure" ? "epsilon" : "rho";
  for (const [name, part] of [[unit, "amount"], ["delta", "delta"]] as const) {
    if (compare(needed[part], budget[part]) <= 0) continue;
    const costs = `${toNumber(needed[part])} in ${days} days`;
    say(context, ["budget", name], `the questions cost ${costs}: ask less, or allow it`);
  }
}

/** What is counted over a period has to be there in the night after it. */
function checkPeriods(
  app: ReleasingApplication & { readonly releases: ReleasesConfig },
  retentionDays: number,
  context: z.RefinementCtx<unknown>,
): void {
  for (const [name, query] of Object.entries(app.releases.queries)) {
    const days = daysOf(app, query);
    if (days <= retentionDays) continue;
    say(context, ["queries", name, "over"], `keep raw records for ${days} days, or ask for every day`);
  }
}

/** A selection that would hardly ever name a cell is refused here and not in the night in which it is to be made. */
function checkSelections(
  app: ReleasingApplication,
  { queries }: ReleasesConfig,
  context: z.RefinementCtx<unknown>,
): void {
  for (const [name, query] of Object.entries(queries)) {
    const plan = planOf(app, query);
    if (plan.cells !== "selected") continue;
    try {
      selectionOf(plan);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      say(
        context,
        ["queries", name],
        "allow it more epsilon, rho or delta, or fewer cellsPerPerson: " +
          "no cell of fewer than 100000 people could be named",
      );
    }
  }
}
