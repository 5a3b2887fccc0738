import { assert, assertEquals, assertLess } from "@std/assert";
import { retireRecords } from "../../../../core/jobs/retention.ts";
import { LOG_ROWS, TALLIES } from "../../../../core/ledger/families.ts";
import { toNumber } from "../../../../core/privacy/dp/rational.ts";
import { readBudget } from "../../../../core/privacy/release/budget.ts";
import { foreseeDay } from "../../../../core/privacy/release/foresee.ts";
import { type ReleaseContext, releaseDay } from "../../../../core/privacy/release/release.ts";
import { releaseDue } from "../../../../core/privacy/release/release_due.ts";
import { readReleases } from "../../../../core/privacy/release/rows.ts";
import { encodeRecord, ofOtherPeriod } from "../../../../core/schema/record.ts";
import { concat, utf8 } from "../../../../core/base/bytes.ts";
import { formatDay } from "../../../../core/base/time.ts";
import { checkChain } from "../../../../core/operations/audit_chain.ts";
import { AuditLog } from "../../../../core/operations/audit_log.ts";
import { differencesOf, type ToldRelease } from "../../../../core/privacy/release/verify_release.ts";
import { describeReleases } from "../../../../routes/admin/release_documents.ts";
import { DEFAULT_PACE } from "../../../../core/store/sweep.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import { crashes, DAY, NIGHT, releasing, store, withReleases } from "../../../support/privacy/released.ts";

/** The last day of the pseudonym's week. */
const LAST = DAY + 6;
const WEEKLY = {
  budget: { epsilon: 8 },
  queries: {
    active: { event: "app_crash", over: "period", epsilon: 1 },
    daily: { event: "app_crash", epsilon: 1 },
  },
} as const;
const APP = releasing(WEEKLY);

const night = (context: ReleaseContext, day: number, app = APP) =>
  releaseDay(context, app, { day, nowSeconds: NIGHT + (day - DAY) * 86_400 });
const fail = (error: unknown) => {
  throw error;
};

/** The same 300 people every day, and 40 others each. */
async function live(kv: Deno.Kv): Promise<void> {
  for (let day = DAY; day <= LAST; day++) {
    const sent = [...crashes({ "1.2": 300 }), ...crashes({ "1.2": 40 }, `only-${day}`)];
    await store(kv, sent, { day, random: seededRandom(day) });
  }
}

async function spent(context: ReleaseContext, day = LAST): Promise<number> {
  return toNumber((await readBudget(context.store, APP, day)).spent.amount);
}

Deno.test("a question over the period counts everybody once, after its last day, and costs once", () =>
  withReleases(async (context, kv) => {
    await live(kv);
    for (let day = DAY; day < LAST; day++) assertEquals(await night(context, day), { daily: "published" });
    // What it would come to is told beforehand, on the day on which it is asked and on no other.
    const foresee = async (day: number) => {
      const { questions, cost } = await foreseeDay(context, APP, { day, nowSeconds: NIGHT + 6 * 86_400 });
      return [Object.keys(questions), toNumber(cost.amount)];
    };
    assertEquals([await foresee(LAST - 1), await foresee(LAST)], [[["daily"], 0], [["active", "daily"], 2]]);
    assertEquals(await spent(context), 6);
    assertEquals(await night(context, LAST), { active: "published", daily: "published" });
    assertEquals(await spent(context), 8);
    assertEquals(await night(context, LAST), { active: "present", daily: "present" });
    const [active, daily] = await readReleases(context.store, "app", LAST, LAST);
    assertEquals([active!.query, active!.plan.days, daily!.plan.days], ["active", 7, undefined]);
    // 300 and seven times 40, and not 2,380.
    const { lower, upper } = active!.figures[0]!;
    assert(lower <= 580 && 580 <= upper && upper - lower === 6, `${lower} .. ${upper}`);
    assertLess(Math.abs(daily!.figures[0]!.count - 340), 12);
    // Both are told with the days that they are about, and verified from that and the audit log.
    const told = JSON.parse(
      JSON.stringify(describeReleases({ app: APP, releases: [active!, daily!], budgets: [] })),
    );
    const [overPeriod, ofDay] = told.releases as ToldRelease[];
    assertEquals([overPeriod!.from, ofDay!.from], [formatDay(DAY), undefined]);
    const lines = new AuditLog(context.store, { random: context.random, now: () => NIGHT }).lines();
    const chain = checkChain(await Array.fromAsync(lines));
    for (const release of [overPeriod!, ofDay!]) {
      assertEquals(differencesOf(release, { app: "app", chain }), []);
    }
    assert(differencesOf({ ...overPeriod!, from: formatDay(DAY + 1) }, { app: "app", chain }).length > 0);
  }));

Deno.test("a question over the period counts no pseudonym of another period, on whichever day its log lies", () =>
  withReleases(async (context, kv) => {
    await live(kv);
    for (const day of [DAY, LAST]) {
      const lines = Array.from({ length: 100 }, (_, person) =>
        concat(
          ofOtherPeriod(
            encodeRecord(`late-${person}`, [{
              name: "app_crash",
              at: day * 86_400,
              fields: { version: "1.2", platform: "linux" },
            }]),
          ),
          utf8("\n"),
        ));
      await kv.set(LOG_ROWS.key("app", day, new Uint8Array(12).fill(day)), concat(...lines));
    }
    // Nor who comes on the day after.
    await store(kv, crashes({ "1.2": 100 }, "next"), { day: LAST + 1 });
    await night(context, LAST);
    const active = (await readReleases(context.store, "app", LAST, LAST)).find(({ query }) =>
      query === "active"
    );
    const { lower, upper } = active!.figures[0]!;
    assert(lower <= 580 && 580 <= upper, `${lower} .. ${upper}`);
  }));

Deno.test("a question over the period is refused where pseudonyms had another period in it", () =>
  withReleases(async (context, kv) => {
    await live(kv);
    const days = releasing(
      { budget: { epsilon: 1 }, queries: { daily: { event: "app_crash", epsilon: 1 } } },
      {
        pseudonymSeconds: 86_400,
      },
    );
    assertEquals(await night(context, DAY, days), { daily: "published" });
    assertEquals(await night(context, DAY + 1, days), { daily: "published" });
    // Whoever lived a day under each of two pseudonyms would count twice, and one of these periods would be overdrawn.
    const onlyActive = releasing({ budget: { epsilon: 80 }, queries: { active: WEEKLY.queries.active } });
    assertEquals(await night(context, LAST, onlyActive), { active: "refused" });
    assertEquals(await readReleases(context.store, "app", LAST, LAST), []);
  }));

Deno.test("a question over the period is not answered about days whose records are gone", () =>
  withReleases(async (context, kv) => {
    await live(kv);
    // One that some are gone of says so; one beyond the retention says nothing in the end.
    await kv.set(TALLIES.key("app", DAY + 2), { recordsRetired: 5 });
    assertEquals(await night(context, LAST), { active: "incomplete", daily: "published" });
    await kv.delete(TALLIES.key("app", DAY + 2));
    assertEquals(await night(context, LAST, { ...APP, retentionDays: 6 }), {
      active: "incomplete",
      daily: "present",
    });
    assertEquals(await spent(context), 1);
    assertEquals(await night(context, LAST, { ...APP, retentionDays: 7 }), {
      active: "published",
      daily: "present",
    });
  }));

Deno.test("retireRecords() keeps a period's records until the question over it is answered", () =>
  withReleases(async (context, kv) => {
    const app = { ...APP, releases: { ...APP.releases!, deleteRaw: true } };
    await live(kv);
    for (let day = DAY; day < LAST; day++) await night(context, day, app);
    assertEquals(
      (await retireRecords(context.store, app, NIGHT + 5 * 86_400, DEFAULT_PACE)).records,
      0,
    );
    await night(context, LAST, app);
    assertEquals(
      (await retireRecords(context.store, app, NIGHT + 6 * 86_400, DEFAULT_PACE)).records,
      7 * 340,
    );
  }));

Deno.test("releaseDue() answers a period at night, but for one in which releases began", () =>
  withReleases(async (context, kv) => {
    await live(kv);
    const due = (day: number) =>
      releaseDue(context, APP, { nowSeconds: NIGHT + (day - DAY) * 86_400, onFailure: fail });
    // Releases begin on the second day of the week: what was before may be spent, or lost.
    for (let day = DAY; day <= LAST; day++) await due(day);
    assertEquals((await readReleases(context.store, "app", DAY, LAST)).map(({ query }) => query), [
      "daily",
      "daily",
      "daily",
      "daily",
      "daily",
      "daily",
    ]);
    let outcomes = {};
    for (let day = LAST + 1; day <= LAST + 7; day++) outcomes = { ...outcomes, ...await due(day) };
    assertEquals((outcomes as Record<string, string>)[`${LAST + 7} active`], "published");
  }));
