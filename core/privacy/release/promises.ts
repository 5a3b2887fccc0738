/**
 * What was promised while a pseudonym lived: the terms of an application, that is its budget and the length of its
 * periods, with the days on which they were configured. A configuration that changes later changes no promise: a day is
 * charged in every period that it has ever lain in, each with the budget that was promised for it.
 *
 * One row an application holds all its terms. It is written when a service starts, every hour, and before anything is
 * paid, so that the days on which nothing was released have theirs too.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import type { MaybeEntry } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { type LossUnit, type PrivacyLoss, privacyLoss } from "../dp/accounting.ts";
import { compare, type Rational, rationalOf } from "../dp/rational.ts";
import { termsOfBudgets } from "./families.ts";
import {
  amountOf,
  configuredReleases,
  DEFAULT_DELTA,
  periodDays,
  type ReleasingApplication,
} from "./plan.ts";

/** A budget as a store keeps it. */
export interface StoredLoss {
  /** What the amounts are counted in. */
  readonly unit: LossUnit;
  /** The amount, an exact fraction. */
  readonly amount: Rational;
  /** The delta. */
  readonly delta: Rational;
}

/** A budget and the length of its periods, with the days on which they were configured. */
export interface Terms {
  /** The first day on which they were, days since 1970; 0 for the first terms, of whose beginning nobody has written. */
  readonly fromDay: number;
  /** The last one so far. */
  readonly toDay: number;
  /** Days of a period: of the budget, or of the pseudonyms where nothing was released. */
  readonly days: number;
  /** What a period might cost; absent where nothing was released, and so nothing promised but the pseudonym's period. */
  readonly budget?: StoredLoss;
  /** Days in which a log of an old pseudonym may still arrive after the terms have changed: the overlap of the keys. */
  readonly graceDays: number;
}

/** Days of a period, since 1970. */
export interface Days {
  /** Its first day. */
  readonly fromDay: number;
  /** Its last day. */
  readonly toDay: number;
}

/** A period and what all releases of its days may cost together. */
export interface Promised extends Days {
  /** What may be spent. */
  readonly budget: PrivacyLoss;
}

/** What an application may spend in a period, as it is configured. */
export function budgetOf(app: ReleasingApplication): PrivacyLoss {
  const { budget } = configuredReleases(app);
  const delta = rationalOf(budget.delta ?? DEFAULT_DELTA);
  return privacyLoss(budget.rho === undefined ? "pure" : "zcdp", amountOf(budget), delta);
}

/** Days that terms are kept after their last one: as long as releases are. */
const KEPT_DAYS = 800;

/** The terms of an application, the oldest first. */
export async function readTerms(store: Store, app: string): Promise<MaybeEntry<readonly Terms[]>> {
  return await store.get<readonly Terms[]>(termsOfBudgets(app));
}

/** Remembers what is configured of an application today. Writes nothing where it is known. */
export async function rememberTerms(store: Store, app: Application, today: number): Promise<void> {
  const configured = configuredTerms(app, today);
  if (configured === undefined) return;
  await store.update<readonly Terms[], void>(termsOfBudgets(app.id), ({ key, value }, commit) => {
    const known = value ?? [];
    const terms = withTerms(known, configured);
    if (terms !== known) commit.set(key, terms.filter(({ toDay }) => toDay >= today - KEPT_DAYS));
  });
}

/**
 * The periods that a day lies in, each with its budget: first that of the configuration, then those that were promised.
 * `terms` may lack the configuration's own.
 */
export function promisesOf(
  app: Application,
  terms: readonly Terms[],
  day: number,
): [Promised, ...Promised[]] {
  const budget = budgetOf(app);
  const own = periodOf(day, periodDays(app));
  return [
    { ...own, budget },
    ...terms.flatMap((one) => {
      const later = terms.filter((other) => other !== one && other.toDay >= one.toDay).map(({ days }) =>
        days
      );
      return periodsOf(one, later, day).map((period) => ({
        ...period,
        budget: lossOf(one.budget) ?? budget,
      }));
    }),
  ];
}

/** The days from..to of the period that a day lies in: periods begin at multiples of their length since 1970. */
export function periodOf(day: number, days: number): Days {
  const fromDay = Math.floor(day / days) * days;
  return { fromDay, toDay: fromDay + days - 1 };
}

/** The periods of terms in which a pseudonym may have lived that counts on this day. `later`: days of the periods since. */
function periodsOf(
  { fromDay, toDay, days, graceDays }: Terms,
  later: readonly number[],
  day: number,
): Days[] {
  const periods: Days[] = [];
  for (let at = periodOf(day - graceDays, days); at.fromDay <= day; at = periodOf(at.toDay + 1, days)) {
    if (at.fromDay > toDay || at.toDay < fromDay) continue;
    // A log of the period's last day may arrive as long as its key redeems. It has no mark where, by terms that have come
    // into force meanwhile, both days are of one period.
    let end = at.toDay;
    for (let late = at.toDay + 1; late <= at.toDay + graceDays; late++) {
      if (late >= toDay && later.some((length) => periodOf(late, length).fromDay <= at.toDay)) end = late;
    }
    if (day <= end) periods.push({ fromDay: at.fromDay, toDay: end });
  }
  return periods;
}

function configuredTerms(app: Application, today: number): Terms | undefined {
  const { pseudonymSeconds, releases, epochSeconds, overlapEpochs } = app;
  if (pseudonymSeconds === undefined) return undefined;
  const graceDays = Math.ceil(overlapEpochs * epochSeconds / 86_400);
  const at = { fromDay: today, toDay: today, graceDays };
  if (releases === undefined) return { ...at, days: pseudonymSeconds / 86_400 };
  const { unit, amount, delta } = budgetOf(app);
  return { ...at, days: periodDays(app), budget: { unit, amount, delta } };
}

/** The terms with those that are configured today; `known` itself where nothing has to be written. */
function withTerms(known: readonly Terms[], configured: Terms): readonly Terms[] {
  const today = configured.toDay;
  if (known.length === 0) return [{ ...configured, fromDay: 0 }];
  const last = known.length - 1;
  // Processes of two configurations may run beside each other: each goes on with its own.
  const index = known.findLastIndex((terms, place) =>
    isSame(terms, configured) && (place === last || terms.toDay >= today - 1)
  );
  const until = (terms: Terms): Terms => ({ ...terms, toDay: Math.max(terms.toDay, today) });
  const same = known[index];
  if (same !== undefined && same.toDay >= today) return known;
  if (same !== undefined) return known.map((terms) => terms === same ? until(terms) : terms);
  // Until now the older ones were in force, and still are for clients that have not heard of the change.
  return [...known.map((terms, place) => place === last ? until(terms) : terms), configured];
}

function isSame(a: Terms, b: Terms): boolean {
  return a.days === b.days && a.graceDays === b.graceDays && isSameLoss(a.budget, b.budget);
}

function isSameLoss(a: StoredLoss | undefined, b: StoredLoss | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.unit === b.unit && compare(a.amount, b.amount) === 0 && compare(a.delta, b.delta) === 0;
}

function lossOf(stored: StoredLoss | undefined): PrivacyLoss | undefined {
  return stored && privacyLoss(stored.unit, stored.amount, stored.delta);
}
