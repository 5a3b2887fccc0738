/**
 * What answering a day would come to, before anything is paid: which questions, what each costs, and what is left.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import { compose, type PrivacyLoss } from "../dp/accounting.ts";
import { type BudgetState, payment, readBudget, readSpending } from "./budget.ts";
import { RELEASES } from "./families.ts";
import { isAskedOn, planOf } from "./plan.ts";
import { budgetOf } from "./promises.ts";
import {
  areChargedTogether,
  type DayOptions,
  type Outcome,
  reasonAgainst,
  type ReleaseContext,
} from "./release.ts";
import type { ReleaseRow } from "./rows.ts";

/**
 * What would become of a question: why it would not be answered, or `to answer`, or `paid` where its answer was paid for
 * and is still to be made.
 */
export type ForeseenState = Exclude<Outcome, "published" | "impossible" | "busy"> | "to answer" | "paid";

/** A question before it is answered. */
export interface ForeseenQuestion {
  /** What would become of it. */
  readonly state: ForeseenState;
  /** What its answer costs, or has cost. */
  readonly cost: PrivacyLoss;
}

/** A day before it is answered. */
export interface ForeseenDay {
  /** The questions by name. */
  readonly questions: Readonly<Record<string, ForeseenQuestion>>;
  /** What answering it would cost. */
  readonly cost: PrivacyLoss;
  /** What is left for it. */
  readonly budget: BudgetState;
}

/** Looks at a day and writes nothing. The application has to release something. */
export async function foreseeDay(
  context: Pick<ReleaseContext, "store" | "withheldWithin">,
  app: Application,
  options: DayOptions,
): Promise<ForeseenDay> {
  const { store } = context;
  const { unit } = budgetOf(app);
  const spending = await readSpending(store, app, options.day);
  const questions: Record<string, ForeseenQuestion> = {};
  let cost = compose(unit, []);
  for (const [query, question] of Object.entries(app.releases?.queries ?? {})) {
    if (!isAskedOn(app, question, options.day)) continue;
    const plan = planOf(app, question);
    const { value: row } = await store.get<ReleaseRow>(RELEASES.key(app.id, options.day, query, 0));
    const own = row?.plan.cost ?? plan.cost;
    const together = compose(unit, [cost, ...(row === null ? [own] : [])]);
    let state: ForeseenState = "present";
    if (row?.state !== "published") {
      const isPaid = row !== null ||
        (payment(spending, together) !== undefined && areChargedTogether(app, spending, options.day, plan));
      state = await reasonAgainst(context, app, { ...options, question }) ??
        (row !== null ? "paid" : isPaid ? "to answer" : "refused");
    }
    if (state === "to answer") cost = together;
    questions[query] = { state, cost: own };
  }
  return { questions, cost, budget: await readBudget(store, app, options.day) };
}
