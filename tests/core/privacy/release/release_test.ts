import { assert, assertEquals, assertLess } from "@std/assert";
import { readBudget } from "../../../../core/privacy/release/budget.ts";
import { toNumber } from "../../../../core/privacy/dp/rational.ts";
import {
  isReleased,
  type ReleaseContext,
  releaseDay,
  sweepReleases,
} from "../../../../core/privacy/release/release.ts";
import { type NightOutcome, releaseDue } from "../../../../core/privacy/release/release_due.ts";
import { readReleases, type Release } from "../../../../core/privacy/release/rows.ts";
import { retireRecords } from "../../../../core/jobs/retention.ts";
import { ENDED_KEYS } from "../../../../core/keys/families.ts";
import { LOG_ROWS, TALLIES } from "../../../../core/ledger/families.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import { DEFAULT_PACE } from "../../../../core/store/sweep.ts";
import { moveIntoSegments } from "../../../../core/ledger/segments.ts";
import { type CommitFault, faultyKv } from "../../../support/store/faulty_kv.ts";
import {
  BY_VERSION,
  crashes,
  DAY,
  NIGHT,
  releasing,
  type Sent,
  store,
  withReleases,
} from "../../../support/privacy/released.ts";

const APP = releasing(BY_VERSION);
/** The commit that puts figures in place: behind those of the terms and of the reservation. */
const PUBLISHING = 2;
const night = (context: ReleaseContext, day = DAY, app = APP) =>
  releaseDay(context, app, { day, nowSeconds: NIGHT + (day - DAY) * 86_400 });

const fail = (error: unknown) => {
  throw error;
};

async function released(context: ReleaseContext, day = DAY): Promise<Release[]> {
  return await readReleases(context.store, "app", day, day);
}

async function spent(context: ReleaseContext, app = APP, day = DAY): Promise<number> {
  return toNumber((await readBudget(context.store, app, day)).spent.amount);
}

Deno.test("releaseDay() publishes counts of people near the truth, with intervals, and says what they cost", () =>
  withReleases(async (context, kv) => {
    const truth = { "1.2": 300, "2.0": 1_200, "1.9": 40 };
    // Each of them crashed three times.
    await store(kv, [...crashes(truth), ...crashes(truth), ...crashes(truth)]);
    assertEquals(await night(context), { crashes: "published" });
    const [release] = await released(context);
    const figures = Object.fromEntries(release!.figures.map(({ cell, ...figure }) => [cell[0], figure]));
    assertEquals(Object.keys(figures).sort(), Object.keys(truth).sort());
    for (const [version, people] of Object.entries(truth)) {
      const { count, lower, upper } = figures[version]!;
      assertLess(Math.abs(count - people), 12, version);
      assertEquals(upper - lower, 6);
    }
    assertEquals([release!.query, release!.day, release!.early, release!.withheld], [
      "crashes",
      DAY,
      false,
      18,
    ]);
    assertEquals(await spent(context), 1);
  }));

Deno.test("releaseDay() counts moved records and unmoved ones alike", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    await moveIntoSegments(context.store, context.random, "app", NIGHT, { minShuffled: 1 });
    await store(kv, crashes({ "1.2": 500 }, "q"));
    await night(context);
    assertLess(Math.abs((await released(context))[0]!.figures[0]!.count - 1_000), 12);
  }));

Deno.test("releaseDay() answers once: a rerun changes no figure and spends nothing", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    await night(context);
    const first = await released(context);
    await store(kv, crashes({ "1.2": 500 }, "late"));
    for (let run = 0; run < 3; run++) assertEquals(await night(context), { crashes: "present" });
    assertEquals(await released(context), first);
    assertEquals(await spent(context), 1);
  }));

Deno.test("releaseDay() by ten processes at once publishes one set of figures and spends once", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500, "2.1": 80 }));
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => night(context)));
    assertEquals(outcomes.filter(({ crashes }) => crashes === "published").length, 1);
    assertEquals(outcomes.filter(({ crashes }) => crashes === "present").length, 9);
    assertEquals((await released(context)).length, 1);
    assertEquals(await spent(context), 1);
  }));

Deno.test("releaseDay() of many days at once never spends beyond the budget", () =>
  withReleases(async (context) => {
    // Fourteen releases of half an epsilon race for a budget of four: eight are made.
    const app = releasing({
      budget: { epsilon: 14 },
      queries: {
        a: { event: "app_crash", epsilon: 1 },
        b: { event: "app_crash", by: ["version"], epsilon: 1 },
      },
    });
    const tight = { ...app, releases: { ...app.releases!, budget: { epsilon: 4 } } };
    const outcomes = await Promise.all(
      Array.from({ length: 7 }, (_, index) => night(context, DAY + index, tight)),
    );
    const all = outcomes.flatMap((outcome) => Object.values(outcome));
    assertEquals(all.filter((outcome) => outcome === "published").length, 4);
    assertEquals(all.filter((outcome) => outcome === "refused").length, 10);
    assertEquals(await spent(context, tight), 4);
    // The next week has a budget of its own.
    assertEquals(await night(context, DAY + 7, tight), { a: "published", b: "published" });
  }));

Deno.test("releaseDay() may end at any commit: a rerun releases once, and spends once", async () => {
  let crash = 0;
  for (let isDone = false; !isDone; crash++) {
    await withReleases(async (context, kv) => {
      await store(kv, crashes({ "1.2": 500 }));
      const faulty = faultyKv(kv);
      faulty.fault = (commit) => commit >= crash ? "throw" : "none";
      isDone = await night({ ...context, store: storeOver(faulty.kv) }).then(() => true, () => false);
      const seen = await released(context);
      assert(await spent(context) <= 1);
      const rerun = await night(context);
      assertEquals(rerun, { crashes: seen.length === 0 ? "published" : "present" });
      const published = await released(context);
      assertEquals(published.length, 1);
      // What somebody may have seen before the crash stays as it is.
      if (seen.length > 0) assertEquals(published, seen);
      assertLess(Math.abs(published[0]!.figures[0]!.count - 500), 12);
      assertEquals(await spent(context), 1);
    });
  }
  assert(crash > 2);
});

Deno.test("releaseDay() spends and publishes once through commits whose outcome is unknown or wrongly told", async () => {
  for (const fault of ["land and throw", "land and say no", "say no"] as CommitFault[]) {
    for (let strikes = 0; strikes <= PUBLISHING; strikes++) {
      await withReleases(async (context, kv) => {
        await store(kv, crashes({ "1.2": 500 }));
        const faulty = faultyKv(kv);
        faulty.fault = (commit) => commit === strikes ? fault : "none";
        await night({ ...context, store: storeOver(faulty.kv) }).catch(() => {});
        const seen = await released(context);
        await night(context);
        const published = await released(context);
        assertEquals(published.length, 1, `${fault} ${strikes}`);
        if (seen.length > 0) assertEquals(published, seen);
        assertEquals(await spent(context), 1, `${fault} ${strikes}`);
      });
    }
  }
});

Deno.test("releaseDay() follows what was reserved, whatever the configuration says since", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    const faulty = faultyKv(kv);
    faulty.fault = (commit) => commit === PUBLISHING ? "throw" : "none";
    await night({ ...context, store: storeOver(faulty.kv) }).catch(() => {});
    const changed = releasing({
      budget: { epsilon: 70 },
      queries: { crashes: { event: "app_crash", by: ["platform"], epsilon: 10 } },
    });
    assertEquals(await night(context, DAY, changed), { crashes: "published" });
    const [release] = await released(context);
    assertEquals(release!.plan.by, ["version"]);
    assertEquals(await spent(context, changed), 1);
  }));

Deno.test("releaseDay() leaves a question unanswered whose event the schema lost after it was paid for", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    const faulty = faultyKv(kv);
    faulty.fault = (commit) => commit === PUBLISHING ? "throw" : "none";
    await night({ ...context, store: storeOver(faulty.kv) }).catch(() => {});
    const { vote } = APP.events;
    const changed = releasing({
      budget: { epsilon: 7 },
      queries: { crashes: { event: "vote", of: "choice", epsilon: 1 } },
    }, { events: { vote: vote! } });
    assertEquals(await night(context, DAY, changed), { crashes: "impossible" });
    assertEquals(await spent(context), 1);
  }));

Deno.test("releaseDay() waits for the day's end and ten minutes, but where it is asked for early", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    const end = (DAY + 1) * 86_400;
    for (const nowSeconds of [end - 1, end, end + 599]) {
      assertEquals(await releaseDay(context, APP, { day: DAY, nowSeconds }), { crashes: "not over" });
    }
    assertEquals(await spent(context), 0);
    const tomorrow = await releaseDay(context, APP, { day: DAY + 1, nowSeconds: end - 1, early: true });
    assertEquals(tomorrow, { crashes: "not over" });
    assertEquals(await releaseDay(context, APP, { day: DAY, nowSeconds: end - 1, early: true }), {
      crashes: "published",
    });
    assertEquals((await released(context))[0]!.early, true);
    assertEquals(await night(context), { crashes: "present" });
  }));

Deno.test("releaseDay() leaves events in quarantine alone, and answers once they have passed", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    const held = { ...context, withheldWithin: () => Promise.resolve(new Set(["app_crash"])) };
    assertEquals(await night(held), { crashes: "withheld" });
    assertEquals([await spent(context), await released(context)], [0, []]);
    assertEquals(await night(context), { crashes: "published" });
  }));

Deno.test("releaseDay() answers nothing about a day whose raw records are gone, and spends nothing", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    const old = { ...APP, retentionDays: 1, releases: undefined };
    const later = NIGHT + 2 * 86_400;
    await retireRecords(context.store, old, later, DEFAULT_PACE);
    // By its retention, or by what is noted of the day.
    const short = { ...APP, retentionDays: 1 };
    assertEquals(await releaseDay(context, short, { day: DAY, nowSeconds: later }), {
      crashes: "incomplete",
    });
    await kv.set(TALLIES.key("app", DAY), { claimsSwept: 0, recordsMoved: 0, recordsRetired: 500 });
    assertEquals(await night(context), { crashes: "incomplete" });
    assertEquals(await spent(context), 0);
  }));

Deno.test("releaseDay() does not publish when records are removed while it counts", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 3_000 }));
    // Claims of a key that ended are still to be swept, so the tallies of their days are kept.
    await kv.set(ENDED_KEYS.key(1), {
      app: "app",
      region: "local",
      epoch: 1,
      generation: 0,
      claimsAfter: 0,
    });
    const old = { ...APP, retentionDays: 1, releases: undefined };
    const list = kv.list.bind(kv);
    const counting = Promise.withResolvers<void>(), removed = Promise.withResolvers<void>();
    let isCounting = true;
    kv.list = ((selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
      const rows = list(selector, options);
      // The count has read the rows and goes on to the segments.
      if (!isCounting || !("prefix" in selector) || selector.prefix[0] !== "g") return rows;
      isCounting = false;
      const next = rows.next.bind(rows);
      rows.next = async () => {
        counting.resolve();
        await removed.promise;
        return await next();
      };
      return rows;
    }) as typeof kv.list;
    const outcomes = night(context);
    await counting.promise;
    await retireRecords(context.store, old, NIGHT + 2 * 86_400, DEFAULT_PACE);
    removed.resolve();
    assertEquals(await outcomes, { crashes: "incomplete" });
    assertEquals(await released(context), []);
    assertEquals(await night(context), { crashes: "incomplete" });
  }));

Deno.test("releaseDay() refuses a unit that the period was not begun in", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    await night(context);
    const zcdp = releasing({ budget: { rho: 1 }, queries: { other: { event: "app_crash", rho: 0.1 } } });
    assertEquals(await night(context, DAY, zcdp), { other: "refused" });
    assertEquals(await night(context, DAY + 7, zcdp), { other: "published" });
  }));

Deno.test("releaseDay() forgets nothing that was spent when the periods get another length", () =>
  withReleases(async (context, kv) => {
    for (const day of [0, 1]) {
      await store(kv, crashes({ "1.2": 500 }), { day: DAY + day });
      await night(context, DAY + day);
    }
    // Fourteen days, which begin with the same one; the same questions would cost fourteen.
    const longer = releasing({ ...BY_VERSION, budget: { epsilon: 14, days: 14 } });
    const tight = { ...longer, releases: { ...longer.releases!, budget: { epsilon: 3, days: 14 } } };
    assertEquals(await spent(context, tight), 2);
    const outcomes = await Promise.all([2, 3, 4].map((day) => night(context, DAY + day, tight)));
    assertEquals(outcomes.map(({ crashes }) => crashes).toSorted(), ["published", "refused", "refused"]);
    assertEquals(await spent(context, tight), 3);
    // And back: what was paid in the longer period was paid.
    assertEquals([await spent(context), await spent(context, longer)], [3, 3]);
  }));

Deno.test("releaseDay() gives the same totals in one pass and in many", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 700, "2.2": 300 }));
    const { countDays } = await import("../../../../core/privacy/release/count_day.ts");
    const { planOf } = await import("../../../../core/privacy/release/plan.ts");
    const plans = [planOf(APP, APP.releases!.queries.crashes!)];
    const one = await countDays(context.store, APP, { days: [DAY], plans, random: context.random });
    const many = await countDays(context.store, APP, {
      days: [DAY],
      plans,
      random: context.random,
      maxPeople: 60,
    });
    assertEquals(new Map([...many[0]!].sort()), new Map([...one[0]!].sort()));
    assertEquals([...one[0]!.values()].map(({ people }) => people).sort(), [300, 700]);
  }));

Deno.test("releaseDay() estimates what clients randomised, and counts one report of each", () =>
  withReleases(async (context, kv) => {
    const { mechanismOf } = await import("../../../../core/schema/local_report.ts");
    const { randomise } = await import("../../../../core/privacy/dp/local_dp.ts");
    const app = releasing({
      budget: { epsilon: 7 },
      queries: { votes: { event: "vote", of: "choice", epsilon: 1 } },
    });
    const mechanism = mechanismOf(app.events.vote!.fields.choice!)!;
    const votes: Sent[] = Array.from({ length: 4_000 }, (_, voter) => ({
      person: `voter-${voter}`,
      name: "vote",
      fields: { choice: randomise(mechanism, voter % 4 === 0 ? 1 : 0, context.random) },
    }));
    // One of them sends their vote a thousand times.
    await store(kv, [...votes, ...Array.from({ length: 1_000 }, () => votes[0]!)]);
    assertEquals(await night(context, DAY, app), { votes: "published" });
    const [release] = await released(context);
    const [yes, no] = release!.figures;
    assertEquals([yes!.cell, no!.cell], [["yes"], ["no"]]);
    for (const [{ count, lower, upper }, truth] of [[yes!, 3_000], [no!, 1_000]] as const) {
      assert(lower < count && count < upper && upper - lower < 400);
      // One interval in twenty does not hold the truth; one of three times the width always does.
      assert(Math.abs(count - truth) < 1.5 * (upper - lower), `${count}, ${lower} to ${upper}, of ${truth}`);
    }
  }));

Deno.test("releaseDue() answers yesterday and the nights that were missed, whether there are records or not", () =>
  withReleases(async (context) => {
    const days = (outcomes: Record<string, NightOutcome>) =>
      Object.entries(outcomes).map(([name, outcome]) => {
        assertEquals(outcome, "published");
        return Number(name.split(" ")[0]) - DAY;
      });
    const due = async (day: number) =>
      days(await releaseDue(context, APP, { nowSeconds: NIGHT + day * 86_400, onFailure: fail }));
    // The first night releases nothing yet: how long the application had existed is not known.
    assertEquals(await due(0), []);
    assertEquals(await due(1), [1]);
    assertEquals(await due(1), []);
    assertEquals(await due(4), [2, 3, 4]);
    // Of a month of silence the last week is made up for.
    assertEquals(await due(30), [24, 25, 26, 27, 28, 29, 30]);
  }));

Deno.test("releaseDue() answers the other days when one cannot be read, and says so", () =>
  withReleases(async (context, kv) => {
    await releaseDue(context, APP, { nowSeconds: NIGHT, onFailure: fail });
    for (let day = 1; day <= 3; day++) await store(kv, crashes({ "1.2": 500 }), { day: DAY + day });
    const damaged = LOG_ROWS.key("app", DAY + 2, new Uint8Array(12));
    await kv.set(damaged, new TextEncoder().encode("{\n"));
    const failures: unknown[] = [];
    const night = (onFailure: (error: unknown) => void) =>
      releaseDue(context, APP, { nowSeconds: NIGHT + 3 * 86_400, onFailure });
    assertEquals(await night((error) => failures.push(error)), {
      [`${DAY + 1} crashes`]: "published",
      [`${DAY + 2} crashes`]: "failed",
      [`${DAY + 3} crashes`]: "published",
    });
    assertEquals(failures.map((error) => (error as Error).name), ["SyntaxError"]);
    assertEquals(await spent(context), 3);
    // Once it can be read it is answered too, and is not paid for again.
    await kv.delete(damaged);
    assertEquals(await night(fail), { [`${DAY + 2} crashes`]: "published" });
    assertEquals(await spent(context), 3);
  }));

Deno.test("releaseDue() on a clock that jumps ahead and back spends no budget twice and releases no day twice", () =>
  withReleases(async (context, kv) => {
    await releaseDue(context, APP, { nowSeconds: NIGHT, onFailure: fail });
    for (let day = 1; day <= 3; day++) await store(kv, crashes({ "1.2": 500 }), { day: DAY + day });
    await releaseDue(context, APP, { nowSeconds: NIGHT + 2 * 86_400, onFailure: fail });
    const before = await readReleases(context.store, "app", DAY, DAY + 2);
    assertEquals([before.length, await spent(context)], [2, 2]);
    // A month ahead for a night.
    await releaseDue(context, APP, { nowSeconds: NIGHT + 30 * 86_400, onFailure: fail });
    // And back, to before it all began.
    await releaseDue(context, APP, { nowSeconds: NIGHT - 3 * 86_400, onFailure: fail });
    await releaseDue(context, APP, { nowSeconds: NIGHT + 2 * 86_400, onFailure: fail });
    assertEquals(await readReleases(context.store, "app", DAY, DAY + 2), before);
    assertEquals(await spent(context), 2);
    await releaseDue(context, APP, { nowSeconds: NIGHT + 3 * 86_400, onFailure: fail });
    assertEquals(await spent(context), 3);
    const [third] = await released(context, DAY + 3);
    assertLess(Math.abs(third!.figures[0]!.count - 500), 12);
  }));

Deno.test("retireRecords() deletes raw records as soon as all is answered, where the application says so", () =>
  withReleases(async (context, kv) => {
    const app = releasing({ ...BY_VERSION, deleteRaw: true });
    await store(kv, crashes({ "1.2": 500 }));
    await store(kv, crashes({ "1.2": 20 }), { day: DAY + 1 });
    const retire = () => retireRecords(context.store, app, NIGHT, DEFAULT_PACE);
    assertEquals((await retire()).records, 0);
    assertEquals(await isReleased(context.store, app, DAY), false);
    await night(context, DAY, app);
    assertEquals((await retire()).records, 500);
    const left = await Array.fromAsync(context.store.list(LOG_ROWS.prefix("app")));
    assertEquals(new Set(left.map(({ key }) => key[2])), new Set([DAY + 1]));
    assertEquals((await released(context)).length, 1);
    assertEquals(await night(context, DAY, app), { crashes: "present" });
    // Without the setting they stay for their retention.
    await night(context, DAY + 1);
    assertEquals((await retireRecords(context.store, APP, NIGHT + 86_400, DEFAULT_PACE)).records, 0);
  }));

Deno.test("sweepReleases() keeps releases and budgets for 800 days", () =>
  withReleases(async (context, kv) => {
    await store(kv, crashes({ "1.2": 500 }));
    await night(context);
    const after = (days: number) => sweepReleases(context.store, APP, NIGHT + days * 86_400, DEFAULT_PACE);
    assertEquals(await after(798), 0);
    // The release's row, its figures, those that are not shown, and what they cost.
    assertEquals(await after(799), 4);
    assertEquals(await released(context), []);
  }));
