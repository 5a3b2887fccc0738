import { assertEquals } from "@std/assert";
import { privacyLoss } from "../../../core/privacy/accounting.ts";
import {
  afterPaying,
  budgetOf,
  budgetPeriod,
  type BudgetRow,
  readBudget,
} from "../../../core/privacy/budget.ts";
import { rational, rationalOf } from "../../../core/privacy/rational.ts";
import { BY_VERSION, DAY, releasing, withReleases } from "../../support/released.ts";
import { keySpace } from "../../../core/store/kv.ts";

const cost = (epsilon: number, delta = 0) => privacyLoss("pure", rationalOf(epsilon), rationalOf(delta));
const BUDGET = privacyLoss("pure", rationalOf(0.3), rationalOf(1e-6));

Deno.test("afterPaying() spends to the last tenth, exactly, and then refuses", () => {
  let row: BudgetRow | null = null;
  for (let spent = 1; spent <= 3; spent++) {
    row = afterPaying(row, cost(0.1), BUDGET)!;
    assertEquals(row.amount, rational(BigInt(spent), 10n));
  }
  assertEquals(afterPaying(row, cost(1e-12), BUDGET), undefined);
});

Deno.test("afterPaying() refuses what exceeds the delta alone", () => {
  const row = afterPaying(null, cost(0.1, 9e-7), BUDGET)!;
  assertEquals(afterPaying(row, cost(0.1, 2e-7), BUDGET), undefined);
  assertEquals(afterPaying(row, cost(0.1, 1e-7), BUDGET)?.delta, rationalOf(1e-6));
});

Deno.test("afterPaying() refuses another unit than the budget's, or than the period was begun in", () => {
  const zcdp = privacyLoss("zcdp", rationalOf(0.01));
  assertEquals(afterPaying(null, zcdp, BUDGET), undefined);
  const row = afterPaying(null, zcdp, privacyLoss("zcdp", rationalOf(1)))!;
  assertEquals(afterPaying(row, cost(0.1), BUDGET), undefined);
});

Deno.test("budgetPeriod() is that of the day that is released, and begins where pseudonyms do", () => {
  const app = releasing(BY_VERSION);
  assertEquals([-1, 0, 6, 7].map((offset) => budgetPeriod(app, DAY + offset)), [2975, 2976, 2976, 2977]);
  const monthly = releasing({ ...BY_VERSION, budget: { epsilon: 28, days: 28 } });
  assertEquals(budgetPeriod(monthly, DAY), Math.floor(DAY / 28));
});

Deno.test("budgetOf() takes decimal numbers as they are written", () => {
  assertEquals(budgetOf(releasing(BY_VERSION)), privacyLoss("pure", rational(7n), rational(1n, 1_000_000n)));
  const zcdp = { budget: { rho: 0.7, delta: 1e-7 }, queries: { q: { event: "app_crash", rho: 0.1 } } };
  assertEquals(budgetOf(releasing(zcdp)), privacyLoss("zcdp", rational(7n, 10n), rational(1n, 10_000_000n)));
});

Deno.test("readBudget() tells what is left, and nothing of a period that was begun in another unit", () =>
  withReleases(async ({ store }, kv) => {
    const app = releasing(BY_VERSION);
    const fresh = await readBudget(store, app, DAY + 3);
    assertEquals([fresh.fromDay, fresh.toDay, fresh.left.amount], [DAY, DAY + 6, rational(7n)]);
    const key = keySpace.budget("app", budgetPeriod(app, DAY));
    await kv.set(key, afterPaying(null, cost(2.5), budgetOf(app)));
    assertEquals((await readBudget(store, app, DAY)).left.amount, rational(9n, 2n));
    await kv.set(key, { unit: "zcdp", amount: rational(1n), delta: rational(0n) });
    assertEquals((await readBudget(store, app, DAY)).left.amount, rational(0n));
  }));
