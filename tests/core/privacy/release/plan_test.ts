import { assert, assertEquals } from "@std/assert";
import type { ReleaseQuery, ReleasesConfig } from "../../../../core/config/release_types.ts";
import { compare, divide, multiply, rational, toNumber } from "../../../../core/privacy/dp/rational.ts";
import { cellCount, noiseOf, planOf, selectionEpsilon } from "../../../../core/privacy/release/plan.ts";
import { EVENTS, releasing } from "../../../support/privacy/released.ts";

function plan(query: Partial<ReleaseQuery>, budget: ReleasesConfig["budget"] = { epsilon: 100 }) {
  const cost = budget.rho === undefined ? { epsilon: 0.5 } : { rho: 0.1 };
  const full: ReleaseQuery = { event: "app_crash", ...cost, ...query };
  return planOf(releasing({ budget, queries: { q: full } }), full);
}

Deno.test("planOf() declares the cells that fit and selects among the others", () => {
  assertEquals(cellCount(EVENTS.app_crash!, ["version", "platform"]), 21 * 4);
  assertEquals(plan({ by: ["version", "platform"] }).cells, "declared");
  assertEquals(plan({ by: ["version", "platform"], cells: "selected" }).cells, "selected");
  assertEquals(plan({ by: ["step"] }).cells, "selected");
  assertEquals(plan({}).cells, "declared");
});

Deno.test("planOf() charges a delta for a selection alone, by default its share of the budget's", () => {
  assertEquals(plan({ by: ["version"] }).cost, {
    unit: "pure",
    amount: rational(1n, 2n),
    delta: rational(0n),
  });
  // One question on seven days.
  assertEquals(plan({ by: ["step"] }).cost.delta, rational(1n, 7_000_000n));
  assertEquals(plan({ by: ["step"], delta: 1e-8 }).cost.delta, rational(1n, 100_000_000n));
});

Deno.test("noiseOf() scales with what one person can change", () => {
  assertEquals(noiseOf(plan({})), { kind: "laplace", scale: rational(2n) });
  assertEquals(noiseOf(plan({ by: ["version"], cellsPerPerson: 3, eventsPerCell: 5 })), {
    kind: "laplace",
    scale: rational(30n),
  });
  // Half of the cost is the selection's.
  assertEquals(noiseOf(plan({ by: ["step"], cellsPerPerson: 3 })), { kind: "laplace", scale: rational(12n) });
  const budget = { rho: 10 };
  assertEquals(noiseOf(plan({}, budget)), { kind: "gaussian", variance: rational(5n) });
  // In zCDP cells add up as squares: 3 cells of 5 events are 75, and not 225.
  assertEquals(noiseOf(plan({ by: ["version"], cellsPerPerson: 3, eventsPerCell: 5 }, budget)), {
    kind: "gaussian",
    variance: rational(375n),
  });
});

Deno.test("selectionEpsilon() costs no more than half, exactly", () => {
  assertEquals(selectionEpsilon(plan({ by: ["step"] })), rational(1n, 4n));
  for (const rho of [0.001, 0.02, 0.1, 1, 7, 123.456]) {
    const epsilon = selectionEpsilon(plan({ by: ["step"], rho }, { rho: 900 }));
    const cost = divide(multiply(epsilon, epsilon), rational(2n));
    const half = divide(plan({ by: ["step"], rho }, { rho: 900 }).cost.amount, rational(2n));
    assert(compare(cost, half) <= 0, `${rho}`);
    assert(toNumber(cost) > 0.999 * toNumber(half), `${rho}`);
  }
});
