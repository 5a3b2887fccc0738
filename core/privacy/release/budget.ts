/**
 * The privacy budget of an application, durable: what the releases of a day have cost is a row, and a release is paid in
 * the commit that reserves it, before anything is counted. So a crash may leave a release unmade, and never one unpaid.
 *
 * The period is that of the day whose records are released, not of the clock: a clock that jumps gives nobody a fresh
 * budget. Nor does another configuration: what was promised while a day was lived is kept (promises.ts), and a day has to
 * fit into every period that it has ever lain in. Periods begin at multiples of their length since 1970, as pseudonyms
 * do, and are a multiple of the pseudonym's rotation, so that all that is ever said about a pseudonym's days comes out of
 * one budget.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import { budgetGuard, BUDGETS, budgetsOf } from "./families.ts";
import type { Commit } from "../../store/commit.ts";
import type { MaybeEntry } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { compose, fits, type LossUnit, type PrivacyLoss, privacyLoss, remaining } from "../dp/accounting.ts";
import { compare, ZERO } from "../dp/rational.ts";
import { type Promised, promisesOf, readTerms, type StoredLoss, type Terms } from "./promises.ts";

/** What the releases of a day have cost: the sums of their amounts and deltas. */
export type BudgetRow = StoredLoss;

/** A period and what it has left. */
export interface BudgetState extends Promised {
  /** What is spent. */
  readonly spent: PrivacyLoss;
  /** The rest. */
  readonly left: PrivacyLoss;
}

/** What was spent of the budget of a day, and what is left: of all periods that the day lies in, of the one with least. */
export async function readBudget(store: Store, app: Application, day: number): Promise<BudgetState> {
  const { periods: [first, ...others] } = await readSpending(store, app, day);
  return others.map(stateOf).reduce(
    // What is left in another unit is nothing for this one.
    (least, state) => compare(state.left.amount, least.left.amount) < 0 ? state : least,
    stateOf(first),
  );
}

function stateOf({ fromDay, toDay, budget, spent }: SpentPeriod): BudgetState {
  const left = spent === undefined ? privacyLoss(budget.unit, ZERO) : remaining(spent, budget);
  return { fromDay, toDay, budget, spent: spent ?? budget, left };
}

/** A period and what was spent in it. */
interface SpentPeriod extends Promised {
  /** Undefined when a part of it was spent in another unit than its budget's, and nothing more can be. */
  readonly spent: PrivacyLoss | undefined;
}

/** What was spent in the periods that a day lies in. */
export interface Spending {
  /** Whether it still holds when something is paid. */
  readonly guard: MaybeEntry<string>;
  /** The promises that it was read with. */
  readonly terms: MaybeEntry<readonly Terms[]>;
  /** Each period, that of the configuration first. */
  readonly periods: readonly [SpentPeriod, ...SpentPeriod[]];
  /** The day's own row. */
  readonly day: MaybeEntry<BudgetRow>;
}

/** Reads what was spent in the periods that a day lies in. */
export async function readSpending(store: Store, app: Application, day: number): Promise<Spending> {
  // The guard is read before the rows are: a payment that is made meanwhile makes this one fail.
  const guard = await store.get<string>(budgetGuard(app.id));
  const terms = await readTerms(store, app.id);
  const [own, ...older] = promisesOf(app, terms.value ?? [], day);
  const from = Math.min(own.fromDay, ...older.map(({ fromDay }) => fromDay));
  const to = Math.max(own.toDay, ...older.map(({ toDay }) => toDay));
  const rows = await Array.fromAsync(store.list<BudgetRow>(budgetsOf(app.id, from, to)));
  const spent = (promised: Promised): SpentPeriod => ({ ...promised, spent: spentIn(rows, promised) });
  const key = BUDGETS.key(app.id, day);
  const row = rows.find((row) => row.key[2] === day) ?? { key, value: null, stamp: null };
  return { guard, terms, periods: [spent(own), ...older.map(spent)], day: row };
}

/**
 * How `cost` is paid for a day: what belongs into the commit of whatever is paid for. Undefined when it does not fit into
 * what is left of one of the day's periods.
 */
export function payment(
  { guard, terms, periods, day }: Spending,
  cost: PrivacyLoss,
): ((commit: Commit) => void) | undefined {
  const isPaid = periods.every(({ budget, spent }) =>
    spent !== undefined && cost.unit === budget.unit && fits(spent, cost, budget)
  );
  if (!isPaid) return undefined;
  const { unit, amount, delta } = compose(cost.unit, [
    ...(day.value === null ? [] : [lossOf(day.value)]),
    cost,
  ]);
  const row: BudgetRow = { unit, amount, delta };
  return (commit) => commit.check(guard).check(terms).set(guard.key, "").set(day.key, row);
}

function spentIn(
  rows: readonly { readonly key: readonly unknown[]; readonly value: BudgetRow }[],
  { fromDay, toDay, budget: { unit } }: Promised,
): PrivacyLoss | undefined {
  const inside = rows.filter(({ key: [, , day] }) => fromDay <= Number(day) && Number(day) <= toDay);
  return sumOf(inside.map(({ value }) => value), unit);
}

function sumOf(rows: readonly BudgetRow[], unit: LossUnit): PrivacyLoss | undefined {
  return rows.every((row) => row.unit === unit) ? compose(unit, rows.map(lossOf)) : undefined;
}

function lossOf({ unit, amount, delta }: BudgetRow): PrivacyLoss {
  return privacyLoss(unit, amount, delta);
}
