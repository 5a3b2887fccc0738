/**
 * The privacy budget of an application, durable: what the releases of a day have cost is a row, and a release is paid in
 * the commit that reserves it, before anything is counted. So a crash may leave a release unmade, and never one unpaid.
 *
 * The period is that of the day whose records are released, not of the clock: a clock that jumps gives nobody a fresh
 * budget. Nor does another length of the periods: what was spent in one is the sum of its days. Periods begin at multiples of their length since 1970, as pseudonyms do, and are a multiple of the pseudonym's
 * rotation, so that all that is ever said about a pseudonym's days comes out of one budget.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import { budgetGuard, BUDGETS, budgetsOf } from "./families.ts";
import type { Commit } from "../../store/commit.ts";
import type { MaybeEntry } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { compose, fits, type LossUnit, type PrivacyLoss, privacyLoss, remaining } from "../dp/accounting.ts";
import { rational, rationalOf } from "../dp/rational.ts";
import {
  amountOf,
  configuredReleases,
  DEFAULT_DELTA,
  periodDays,
  type ReleasingApplication,
} from "./plan.ts";

/** What the releases of a day have cost. */
export interface BudgetRow {
  /** What the amounts are counted in. */
  readonly unit: LossUnit;
  /** The sum of the amounts that were spent, an exact fraction. */
  readonly amount: Fraction;
  /** The sum of the deltas. */
  readonly delta: Fraction;
}

/** A fraction as a store keeps it. */
export interface Fraction {
  /** Carries the sign. */
  readonly numerator: bigint;
  /** Positive. */
  readonly denominator: bigint;
}

/** A period and what it has left. */
export interface BudgetState {
  /** Its first day, days since 1970. */
  readonly fromDay: number;
  /** Its last day. */
  readonly toDay: number;
  /** What may be spent. */
  readonly budget: PrivacyLoss;
  /** What is. */
  readonly spent: PrivacyLoss;
  /** The rest. */
  readonly left: PrivacyLoss;
}

/** The first day of the period that a day belongs to. */
export function periodStart(app: ReleasingApplication, day: number): number {
  const days = periodDays(app);
  return Math.floor(day / days) * days;
}

/** What an application may spend in a period. */
export function budgetOf(app: ReleasingApplication): PrivacyLoss {
  const { budget } = configuredReleases(app);
  const delta = rationalOf(budget.delta ?? DEFAULT_DELTA);
  return privacyLoss(budget.rho === undefined ? "pure" : "zcdp", amountOf(budget), delta);
}

/** What was spent of the budget of a day, and what is left. */
export async function readBudget(store: Store, app: Application, day: number): Promise<BudgetState> {
  const budget = budgetOf(app);
  const { total } = await readSpending(store, app, day);
  const fromDay = periodStart(app, day);
  return {
    fromDay,
    toDay: fromDay + periodDays(app) - 1,
    budget,
    spent: total ?? budget,
    left: total === undefined ? privacyLoss(budget.unit, rational(0n)) : remaining(total, budget),
  };
}

/** What was spent in the period of a day. */
export interface Spending {
  /** Whether it still holds when something is paid. */
  readonly guard: MaybeEntry<string>;
  /** In the whole period; undefined when a part of it was spent in another unit, and nothing more can be. */
  readonly total: PrivacyLoss | undefined;
  /** The day's own row. */
  readonly day: MaybeEntry<BudgetRow>;
}

/** Reads what was spent in the period of a day. */
export async function readSpending(store: Store, app: Application, day: number): Promise<Spending> {
  // The guard is read before the rows are: a payment that is made meanwhile makes this one fail.
  const guard = await store.get<string>(budgetGuard(app.id));
  const from = periodStart(app, day);
  const rows = await Array.fromAsync(
    store.list<BudgetRow>(budgetsOf(app.id, from, from + periodDays(app) - 1)),
  );
  const key = BUDGETS.key(app.id, day);
  const own = rows.find((row) => row.key[2] === day) ?? { key, value: null, stamp: null };
  return { guard, total: sumOf(rows.map(({ value }) => value), budgetOf(app).unit), day: own };
}

/**
 * How `cost` is paid for a day: what belongs into the commit of whatever is paid for. Undefined when it does not fit into
 * what is left.
 */
export function payment(
  { guard, total, day }: Spending,
  cost: PrivacyLoss,
  budget: PrivacyLoss,
): ((commit: Commit) => void) | undefined {
  if (total === undefined || cost.unit !== budget.unit || !fits(total, cost, budget)) return undefined;
  const { unit, amount, delta } = compose(cost.unit, [
    ...(day.value === null ? [] : [lossOf(day.value)]),
    cost,
  ]);
  const row: BudgetRow = { unit, amount, delta };
  return (commit) => commit.check(guard).set(guard.key, "").set(day.key, row);
}

function sumOf(rows: readonly BudgetRow[], unit: LossUnit): PrivacyLoss | undefined {
  return rows.every((row) => row.unit === unit) ? compose(unit, rows.map(lossOf)) : undefined;
}

function lossOf({ unit, amount, delta }: BudgetRow): PrivacyLoss {
  return privacyLoss(unit, amount, delta);
}
