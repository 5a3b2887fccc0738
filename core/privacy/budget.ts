/**
 * The privacy budget of an application, durable: what was spent in a period is a row, and a release is paid in the
 * commit that reserves it, before anything is counted. So a crash may leave a release unmade, and never one unpaid.
 *
 * The period is that of the day whose records are released, not of the clock: a clock that jumps gives nobody a fresh
 * budget. Periods begin at multiples of their length since 1970, as pseudonyms do, and are a multiple of the pseudonym's
 * rotation, so that all that is ever said about a pseudonym's days comes out of one budget.
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import { keySpace, type Store } from "../store/kv.ts";
import { compose, fits, type LossUnit, type PrivacyLoss, privacyLoss, remaining } from "./accounting.ts";
import { rational, rationalOf } from "./rational.ts";
import { DEFAULT_DELTA, periodDays, type ReleasingApplication } from "./release_plan.ts";

/** What was spent in a period. */
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

/** The number of the period that a day belongs to. */
export function budgetPeriod(app: ReleasingApplication, day: number): number {
  return Math.floor(day / periodDays(app));
}

/** What an application may spend in a period. */
export function budgetOf(app: ReleasingApplication): PrivacyLoss {
  const { epsilon, rho, delta = DEFAULT_DELTA } = app.releases!.budget;
  return privacyLoss(rho === undefined ? "pure" : "zcdp", rationalOf((rho ?? epsilon)!), rationalOf(delta));
}

/** What was spent of the budget of a day, and what is left. */
export async function readBudget(store: Store, app: Application, day: number): Promise<BudgetState> {
  const period = budgetPeriod(app, day);
  const { value } = await store.get<BudgetRow>(keySpace.budget(app.id, period));
  const budget = budgetOf(app);
  const spent = spentOf(value, budget.unit);
  const days = periodDays(app);
  return {
    fromDay: period * days,
    toDay: (period + 1) * days - 1,
    budget,
    spent: spent ?? budget,
    left: spent === undefined ? privacyLoss(budget.unit, rational(0n)) : remaining(spent, budget),
  };
}

/**
 * The period's row after `cost` is paid; undefined when it does not fit into what is left. Whoever writes it checks the
 * row that it was made from.
 */
export function afterPaying(
  row: BudgetRow | null,
  cost: PrivacyLoss,
  budget: PrivacyLoss,
): BudgetRow | undefined {
  const spent = spentOf(row, budget.unit);
  if (spent === undefined || cost.unit !== budget.unit || !fits(spent, cost, budget)) return undefined;
  const { unit, amount, delta } = compose(budget.unit, [spent, cost]);
  return { unit, amount, delta };
}

/** Undefined: the period was begun in another unit, and nothing more can be spent in it. */
function spentOf(row: BudgetRow | null, unit: LossUnit): PrivacyLoss | undefined {
  if (row === null) return privacyLoss(unit, rational(0n));
  return row.unit === unit ? privacyLoss(row.unit, row.amount, row.delta) : undefined;
}
