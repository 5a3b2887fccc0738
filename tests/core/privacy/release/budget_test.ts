import { assert, assertEquals } from "@std/assert";
import type { Application } from "../../../../core/config/types.ts";
import { type PrivacyLoss, privacyLoss } from "../../../../core/privacy/dp/accounting.ts";
import {
  budgetOf,
  payment,
  periodStart,
  readBudget,
  readSpending,
} from "../../../../core/privacy/release/budget.ts";
import { rational, rationalOf } from "../../../../core/privacy/dp/rational.ts";
import { BY_VERSION, DAY, releasing, withReleases } from "../../../support/privacy/released.ts";
import type { Store } from "../../../../core/store/store.ts";

const cost = (epsilon: number, delta = 0) => privacyLoss("pure", rationalOf(epsilon), rationalOf(delta));
const BUDGET = privacyLoss("pure", rationalOf(0.3), rationalOf(1e-6));

/** Pays for a day of `app`, if the budget (its own by default) allows it. */
async function pay(store: Store, app: Application, day: number, cost: PrivacyLoss, budget = budgetOf(app)) {
  const enter = payment(await readSpending(store, app, day), cost, budget);
  return enter !== undefined && await store.commit((operation) => enter(operation)) !== undefined;
}

Deno.test("payment() spends to the last tenth, exactly, and then refuses", () =>
  withReleases(async ({ store }) => {
    const app = releasing(BY_VERSION);
    for (let day = 0; day < 3; day++) assert(await pay(store, app, DAY + day, cost(0.1), BUDGET));
    assertEquals((await readBudget(store, app, DAY)).spent.amount, rational(3n, 10n));
    assertEquals(await pay(store, app, DAY, cost(1e-12), BUDGET), false);
    // Two questions about one day are paid for both, and the next period has a budget of its own.
    for (const paid of [true, true, true, false]) {
      assertEquals(await pay(store, app, DAY + 7, cost(0.1), BUDGET), paid);
    }
  }));

Deno.test("payment() refuses what exceeds the delta alone", () =>
  withReleases(async ({ store }) => {
    const app = releasing(BY_VERSION);
    assert(await pay(store, app, DAY, cost(0.1, 9e-7), BUDGET));
    assertEquals(await pay(store, app, DAY + 1, cost(0.1, 2e-7), BUDGET), false);
    assert(await pay(store, app, DAY + 1, cost(0.1, 1e-7), BUDGET));
    assertEquals((await readBudget(store, app, DAY)).spent.delta, rationalOf(1e-6));
  }));

Deno.test("payment() refuses another unit than the budget's, or than the period was begun in", () =>
  withReleases(async ({ store }) => {
    const app = releasing(BY_VERSION);
    const zcdp = privacyLoss("zcdp", rationalOf(0.01));
    assertEquals(await pay(store, app, DAY, zcdp, BUDGET), false);
    const other = releasing({ budget: { rho: 1 }, queries: { q: { event: "app_crash", rho: 0.1 } } });
    assert(await pay(store, other, DAY, zcdp));
    assertEquals(await pay(store, app, DAY + 1, cost(0.1), BUDGET), false);
    assertEquals((await readBudget(store, app, DAY)).left.amount, rational(0n));
  }));

Deno.test("payment() of two who read the same budget is made by one of them", () =>
  withReleases(async ({ store }) => {
    const app = releasing(BY_VERSION);
    // For two days, and the third payment would be too much.
    const pays = await Promise.all(
      [0, 1, 1].map(async (day) => payment(await readSpending(store, app, DAY + day), cost(0.1), BUDGET)!),
    );
    const done = await Promise.all(pays.map((enter) => store.commit((operation) => enter(operation))));
    assertEquals(done.filter((versionstamp) => versionstamp !== undefined).length, 1);
  }));

Deno.test("periodStart() is that of the day that is released, and lies where pseudonyms change", () => {
  const app = releasing(BY_VERSION);
  assertEquals([-1, 0, 6, 7].map((offset) => periodStart(app, DAY + offset) - DAY), [-7, 0, 0, 7]);
  const monthly = releasing({ ...BY_VERSION, budget: { epsilon: 28, days: 28 } });
  assertEquals(periodStart(monthly, DAY), Math.floor(DAY / 28) * 28);
});

Deno.test("budgetOf() takes decimal numbers as they are written", () => {
  assertEquals(budgetOf(releasing(BY_VERSION)), privacyLoss("pure", rational(7n), rational(1n, 1_000_000n)));
  const zcdp = { budget: { rho: 0.7, delta: 1e-7 }, queries: { q: { event: "app_crash", rho: 0.1 } } };
  assertEquals(budgetOf(releasing(zcdp)), privacyLoss("zcdp", rational(7n, 10n), rational(1n, 10_000_000n)));
});

Deno.test("readBudget() tells what is left", () =>
  withReleases(async ({ store }) => {
    const app = releasing(BY_VERSION);
    const fresh = await readBudget(store, app, DAY + 3);
    assertEquals([fresh.fromDay, fresh.toDay, fresh.left.amount], [DAY, DAY + 6, rational(7n)]);
    assert(await pay(store, app, DAY, cost(2.5)));
    assertEquals((await readBudget(store, app, DAY + 6)).left.amount, rational(9n, 2n));
    assertEquals((await readBudget(store, app, DAY + 7)).left.amount, rational(7n));
  }));
