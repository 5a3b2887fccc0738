import { assert, assertEquals } from "@std/assert";
import type { ReleasesConfig } from "../../../../core/config/release_types.ts";
import type { Application, ApplicationConfig } from "../../../../core/config/types.ts";
import { toNumber } from "../../../../core/privacy/dp/rational.ts";
import { readBudget, readSpending } from "../../../../core/privacy/release/budget.ts";
import { readTerms, rememberTerms } from "../../../../core/privacy/release/promises.ts";
import { type Outcome, type ReleaseContext, releaseDay } from "../../../../core/privacy/release/release.ts";
import { DAY, releasing, withReleases } from "../../../support/privacy/released.ts";

/** An application that spends `daily` a day of a budget of 7, with pseudonyms of so many days. */
function rotating(days: number, daily: number, more: Partial<ApplicationConfig> = {}): Application {
  const releases: ReleasesConfig = {
    budget: { epsilon: 7 },
    queries: { crashes: { event: "app_crash", epsilon: daily } },
  };
  return releasing(releases, { pseudonymSeconds: days * 86_400, ...more });
}

const WEEKLY = rotating(7, 1);
const DAILY = rotating(1, 7);
/** As many other questions, so that what is answered is asked anew. */
const asking = (app: Application, name: string): Application => {
  const [question] = Object.values(app.releases!.queries);
  return { ...app, releases: { ...app.releases!, queries: { [name]: question! } } };
};

/** The clock of the service: noon of a day. */
const noon = (day: number) => day * 86_400 + 43_200;

/** Answers a day's one question at noon of `today`. */
async function answer(
  context: ReleaseContext,
  app: Application,
  { day, today = day + 1, early = false }: { day: number; today?: number; early?: boolean },
): Promise<Outcome | undefined> {
  const outcomes = await releaseDay(context, app, { day, nowSeconds: noon(today), early });
  return Object.values(outcomes)[0];
}

/** What was charged for the days of a week, in epsilon. */
async function chargedInWeek({ store }: ReleaseContext): Promise<number> {
  let sum = 0;
  for (let day = DAY; day < DAY + 7; day++) {
    const { day: { value } } = await readSpending(store, WEEKLY, day);
    sum += value === null ? 0 : toNumber(value.amount);
  }
  return sum;
}

Deno.test("a week that is spent is not answered again when pseudonyms come to last a day", () =>
  withReleases(async (context) => {
    for (let day = DAY; day < DAY + 7; day++) {
      assertEquals(await answer(context, WEEKLY, { day }), "published");
    }
    assertEquals(await chargedInWeek(context), 7);
    const changed = asking(DAILY, "again");
    for (let day = DAY; day < DAY + 7; day++) {
      assertEquals(await answer(context, changed, { day, today: DAY + 8 }), "refused");
    }
    assertEquals(await chargedInWeek(context), 7);
    const { fromDay, toDay, left } = await readBudget(context.store, changed, DAY + 3);
    assertEquals([fromDay, toDay, left.amount.numerator], [DAY, DAY + 6, 0n]);
    // What is lived from the next period on has the budget that was promised for it.
    await rememberTerms(context.store, changed, DAY + 14);
    assertEquals(await answer(context, changed, { day: DAY + 14 }), "published");
  }));

Deno.test("a week of which nothing was answered yet is charged once, whatever the configuration has become", () =>
  withReleases(async (context) => {
    // The service runs with it for a week; its nights were missed.
    for (let day = DAY; day < DAY + 7; day++) await rememberTerms(context.store, WEEKLY, day);
    const outcomes = [];
    for (let day = DAY; day < DAY + 7; day++) {
      outcomes.push(await answer(context, DAILY, { day, today: DAY + 8 }));
    }
    assertEquals(outcomes, ["published", ...Array(6).fill("refused")]);
    assertEquals(await chargedInWeek(context), 7);
  }));

Deno.test("pseudonyms that lived without releases keep their period when releases are added", () =>
  withReleases(async (context) => {
    const silent = { ...WEEKLY, releases: undefined };
    for (let day = DAY; day < DAY + 7; day++) await rememberTerms(context.store, silent, day);
    const outcomes = [];
    for (let day = DAY; day < DAY + 3; day++) {
      outcomes.push(await answer(context, DAILY, { day, today: DAY + 8 }));
    }
    assertEquals(outcomes, ["published", "refused", "refused"]);
  }));

Deno.test("days that were spent one by one leave nothing to a week that begins among them", () =>
  withReleases(async (context) => {
    for (const day of [DAY, DAY + 1]) assertEquals(await answer(context, DAILY, { day }), "published");
    assertEquals(await answer(context, WEEKLY, { day: DAY + 2 }), "refused");
    assertEquals(await answer(context, WEEKLY, { day: DAY + 7 }), "published");
  }));

Deno.test("a day's last logs that arrive in a week without a mark are paid for by what was promised for the day", () =>
  withReleases(async (context) => {
    assertEquals(await answer(context, DAILY, { day: DAY + 2, today: DAY + 3 }), "published");
    // From the third day on pseudonyms last a week, and a log of the day before is one of the same period.
    const raised = releasing({
      budget: { epsilon: 70 },
      queries: { weekly: { event: "app_crash", epsilon: 5 } },
    });
    await rememberTerms(context.store, raised, DAY + 3);
    assertEquals(await answer(context, raised, { day: DAY + 3 }), "refused");
    assertEquals(await answer(context, raised, { day: DAY + 4 }), "published");
  }));

Deno.test("a budget that is raised does not hold for the period that it is raised in, and one that is lowered does", () =>
  withReleases(async (context) => {
    const raised = { ...WEEKLY, releases: { ...asking(WEEKLY, "more").releases!, budget: { epsilon: 70 } } };
    const lowered = { ...WEEKLY, releases: { ...WEEKLY.releases!, budget: { epsilon: 2 } } };
    for (let day = DAY; day < DAY + 7; day++) {
      assertEquals(await answer(context, WEEKLY, { day }), "published");
    }
    for (const day of [DAY, DAY + 6]) {
      assertEquals(await answer(context, raised, { day, today: DAY + 7 }), "refused");
    }
    for (const [day, outcome] of [[7, "published"], [8, "published"], [9, "refused"]] as const) {
      assertEquals(await answer(context, lowered, { day: DAY + day }), outcome);
    }
    // Raised again in the same week: what was promised in it is the least of all.
    assertEquals(await answer(context, raised, { day: DAY + 9 }), "refused");
  }));

Deno.test("another length of the epochs, and an application that was removed for a while, make no new budget", () =>
  withReleases(async (context) => {
    for (let day = DAY; day < DAY + 7; day++) await answer(context, WEEKLY, { day });
    const hourly = asking(rotating(1, 6, { epochSeconds: 3_600 }), "hourly");
    assertEquals(await answer(context, hourly, { day: DAY + 3, today: DAY + 7 }), "refused");
    // Nothing is written while it is not configured, and what stands there is found when it is again.
    const kept = await readTerms(context.store, "app");
    assertEquals(
      await answer(context, asking(rotating(1, 6), "back"), { day: DAY + 3, today: DAY + 20 }),
      "refused",
    );
    assertEquals(kept.value?.length, 2);
  }));

Deno.test("a day that is answered early and again, or after the clock was moved back, is charged once a question", () =>
  withReleases(async (context) => {
    assertEquals(await answer(context, WEEKLY, { day: DAY + 1, today: DAY + 1, early: true }), "published");
    assertEquals(await answer(context, WEEKLY, { day: DAY + 1, today: DAY + 1, early: true }), "present");
    assertEquals(await answer(context, WEEKLY, { day: DAY + 1 }), "present");
    // A day back, with shorter pseudonyms: the terms that were in force until then are.
    const changed = asking(DAILY, "back");
    assertEquals(await answer(context, changed, { day: DAY + 1, today: DAY + 1, early: true }), "refused");
    assertEquals(await answer(context, changed, { day: DAY, today: DAY + 1 }), "refused");
    assertEquals(await chargedInWeek(context), 1);
  }));

Deno.test("processes of two configurations that release at once charge no period beyond what was promised", () =>
  withReleases(async (context) => {
    await rememberTerms(context.store, WEEKLY, DAY);
    const two = [WEEKLY, asking(rotating(1, 4), "short")];
    const days = Array.from({ length: 7 }, (_, index) => DAY + index);
    await Promise.all(two.flatMap((app) => days.map((day) => answer(context, app, { day, today: DAY + 8 }))));
    const charged = await chargedInWeek(context);
    assert(charged <= 7, `${charged}`);
    // Each goes on with its own terms, and the row does not grow.
    for (let hour = 0; hour < 5; hour++) {
      for (const app of two) await rememberTerms(context.store, app, DAY + 8);
    }
    assertEquals((await readTerms(context.store, "app")).value?.length, 2);
  }));
