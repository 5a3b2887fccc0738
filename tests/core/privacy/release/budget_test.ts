import { assert, assertEquals } from "@std/assert";
import type { Application } from "../../../../core/config/types.ts";
import { type PrivacyLoss, privacyLoss } from "../../../../core/privacy/dp/accounting.ts";
import { payment, readBudget, readSpending } from "../../../../core/privacy/release/budget.ts";
import { budgetOf } from "../../../../core/privacy/release/promises.ts";
import { rational, rationalOf } from "../../../../core/privacy/dp/rational.ts";
import { BY_VERSION, DAY, releasing, withReleases } from "../../../support/privacy/released.ts";
import type { Store } from "../../../../core/store/store.ts";

const cost = (epsilon: number, delta = 0) => privacyLoss("pure", rationalOf(epsilon), rationalOf(delta));
const APP = releasing(BY_VERSION);
/** The same with a budget that its questions would not fit into: here nothing but the tests' payments is paid. */
const TIGHT: Application = { ...APP, releases: { ...BY_VERSION, budget: { epsilon: 0.3 } } };

/** Pays for a day of `app`, if its budget allows it. */
async function pay(store: Store, app: Application, day: number, cost: PrivacyLoss) {
  const enter = payment(await readSpending(store, app, day), cost);
  return enter !== undefined && await store.commit((operation) => enter(operation)) !== undefined;
}

Deno.test("payment() spends to the last tenth, exactly, and then refuses", () =>
  withReleases(async ({ store }) => {
    for (let day = 0; day < 3; day++) assert(await pay(store, TIGHT, DAY + day, cost(0.1)));
    assertEquals((await readBudget(store, TIGHT, DAY)).spent.amount, rational(3n, 10n));
    assertEquals(await pay(store, TIGHT, DAY, cost(1e-12)), false);
    // Two questions about one day are paid for both, and the next period has a budget of its own.
    for (const paid of [true, true, true, false]) {
      assertEquals(await pay(store, TIGHT, DAY + 7, cost(0.1)), paid);
    }
  }));

Deno.test("payment() refuses what exceeds the delta alone", () =>
  withReleases(async ({ store }) => {
    assert(await pay(store, TIGHT, DAY, cost(0.1, 9e-7)));
    assertEquals(await pay(store, TIGHT, DAY + 1, cost(0.1, 2e-7)), false);
    assert(await pay(store, TIGHT, DAY + 1, cost(0.1, 1e-7)));
    assertEquals((await readBudget(store, TIGHT, DAY)).spent.delta, rationalOf(1e-6));
  }));

Deno.test("payment() refuses another unit than the budget's, or than the period was begun in", () =>
  withReleases(async ({ store }) => {
    const zcdp = privacyLoss("zcdp", rationalOf(0.01));
    assertEquals(await pay(store, TIGHT, DAY, zcdp), false);
    const other = releasing({ budget: { rho: 1 }, queries: { q: { event: "app_crash", rho: 0.1 } } });
    assert(await pay(store, other, DAY, zcdp));
    assertEquals(await pay(store, TIGHT, DAY + 1, cost(0.1)), false);
    assertEquals((await readBudget(store, TIGHT, DAY)).left.amount, rational(0n));
  }));

Deno.test("payment() of two who read the same budget is made by one of them", () =>
  withReleases(async ({ store }) => {
    // For two days, and the third payment would be too much.
    const pays = await Promise.all(
      [0, 1, 1].map(async (day) => payment(await readSpending(store, TIGHT, DAY + day), cost(0.1))!),
    );
    const done = await Promise.all(pays.map((enter) => store.commit((operation) => enter(operation))));
    assertEquals(done.filter((versionstamp) => versionstamp !== undefined).length, 1);
  }));

Deno.test("budgetOf() takes decimal numbers as they are written", () => {
  assertEquals(budgetOf(APP), privacyLoss("pure", rational(7n), rational(1n, 1_000_000n)));
  const zcdp = { budget: { rho: 0.7, delta: 1e-7 }, queries: { q: { event: "app_crash", rho: 0.1 } } };
  assertEquals(budgetOf(releasing(zcdp)), privacyLoss("zcdp", rational(7n, 10n), rational(1n, 10_000_000n)));
});

Deno.test("readBudget() tells what is left", () =>
  withReleases(async ({ store }) => {
    const app = APP;
    const fresh = await readBudget(store, app, DAY + 3);
    assertEquals([fresh.fromDay, fresh.toDay, fresh.left.amount], [DAY, DAY + 6, rational(7n)]);
    assert(await pay(store, app, DAY, cost(2.5)));
    assertEquals((await readBudget(store, app, DAY + 6)).left.amount, rational(9n, 2n));
    assertEquals((await readBudget(store, app, DAY + 7)).left.amount, rational(7n));
  }));
