/**
 * Which days are to be released at night: yesterday, and those that were missed, since releases began here.
 *
 * @module
 */
import { dayOf } from "../../base/time.ts";
import type { Application } from "../../config/types.ts";
import type { Store } from "../../store/store.ts";
import { RELEASES } from "./families.ts";
import { type Outcome, type ReleaseContext, releaseDay } from "./release.ts";

/** Days that a missed night is made up for. */
const LOOK_BACK_DAYS = 7;

/** What became of it at night, when an error of one day is told beside the outcomes of the others. */
export type NightOutcome = Outcome | "failed";

/** The night, and who hears of its errors. */
export interface NightOptions {
  /** Unix seconds. */
  readonly nowSeconds: number;
  /** Hears why a day failed. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Answers what is due: yesterday, and the days of a week before it that were missed since releases began here. A day that
 * fails (a damaged record, say) must not keep the days after it from being answered: `onFailure` hears of it.
 */
export async function releaseDue(
  context: ReleaseContext,
  app: Application,
  { nowSeconds, onFailure }: NightOptions,
): Promise<Record<string, NightOutcome>> {
  const outcomes: Record<string, NightOutcome> = {};
  const { releases } = app;
  if (releases === undefined) return outcomes;
  const today = dayOf(nowSeconds);
  const since = await firstDay(context.store, app.id, today);
  for (let day = Math.max(since, today - LOOK_BACK_DAYS); day < today; day++) {
    const released = await releaseDay(context, app, { day, nowSeconds, sinceDay: since }).catch((error) => {
      onFailure(error);
      return Object.fromEntries(Object.keys(releases.queries).map((query) => [query, "failed" as const]));
    });
    for (const [query, outcome] of Object.entries(released)) {
      if (outcome !== "present") outcomes[`${day} ${query}`] = outcome;
    }
  }
  return outcomes;
}

/**
 * The day on which releases began. Whether a day has records at all would otherwise decide whether it is released, and
 * one person may be the reason that it has.
 */
async function firstDay(store: Store, app: string, today: number): Promise<number> {
  const row = await store.get<number>(RELEASES.key(app));
  if (row.value !== null) return row.value;
  await store.commit((commit) => commit.check(row).set(row.key, today));
  return (await store.get<number>(row.key)).value ?? today;
}

/**
 * Answers no day before `day` of itself any more. For a store that was put back from a backup: which of its days were
 * answered since, it does not know, and answering one again would cost people more than the budget.
 */
export async function releaseFrom(store: Store, app: string, day: number): Promise<void> {
  const row = await store.get<number>(RELEASES.key(app));
  if ((row.value ?? 0) >= day) return;
  await store.commit((commit) => commit.check(row).set(row.key, day));
}
