import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { UniformSource } from "../../../../core/base/uniform.ts";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import type { Application } from "../../../../core/config/types.ts";
import { deriveFrom } from "../../../../core/privacy/release/derived.ts";
import { countFigures } from "../../../../core/privacy/release/figures.ts";
import { forecast } from "../../../../core/privacy/release/forecast.ts";
import { breakdownOf, noiseOf, planOf } from "../../../../core/privacy/release/plan.ts";
import { seededRandom, trials } from "../../../support/base/seeded_random.ts";
import { DAY, EVENTS, releasing } from "../../../support/privacy/released.ts";

const CLIENTS = 20_000;

function asking(query: Partial<ReleaseQuery>): { app: Application; full: ReleaseQuery } {
  const full: ReleaseQuery = { event: "app_crash", ...query };
  const budget = query.rho === undefined ? { epsilon: 900 } : { rho: 900 };
  return { app: releasing({ budget, queries: { q: full } }, { expectedClients: CLIENTS }), full };
}

/** People by version, as Zipf's law has them. */
function longTail(cells: number): number[] {
  const all = Array.from({ length: cells }, (_, index) => 1 / (index + 1)).reduce((sum, one) => sum + one, 0);
  return Array.from({ length: cells }, (_, index) => Math.round(CLIENTS / ((index + 1) * all)));
}

for (
  const [name, query] of [
    ["declared", { by: ["version"], epsilon: 0.05 }],
    ["declared, Gauss", { by: ["version"], rho: 0.001 }],
    ["selected", { by: ["version"], cells: "selected", epsilon: 0.05 }],
    ["a rate", { by: ["version"], among: "app_start", epsilon: 0.05 }],
  ] as const
) {
  Deno.test(`forecast() foretells error and cells kept as they turn out: ${name}`, () => {
    const { app, full } = asking(query);
    const foretold = forecast(app, full);
    const plan = planOf(app, full), noise = noiseOf(plan);
    const people = longTail(21);
    const totals = new Map(
      people.map((
        count,
        cell,
      ) => [String(cell), { people: count, events: count, marked: Math.round(count / 10) }]),
    );
    const random = new UniformSource(seededRandom(41).bytes, 4_096);
    const rounds = trials(60);
    let kept = 0, width = 0;
    for (let round = 0; round < rounds; round++) {
      const made = countFigures(plan, EVENTS.app_crash!, totals, random);
      kept += made.figures.length / 21 / rounds;
      width = made.figures[0]!.upper - made.figures[0]!.count;
      if (plan.cells === "selected") continue;
      const { all } = deriveFrom({
        ...made,
        state: "published",
        id: "-",
        plan,
        noise,
        publishedAt: 0,
        early: false,
        breakdown: breakdownOf(plan, EVENTS.app_crash!),
        query: "q",
        day: DAY,
      })!;
      assertEquals(all.upper - all.count, foretold.totalReach);
    }
    assertEquals(width, foretold.reach);
    assertEquals([foretold.people, foretold.cells], [CLIENTS, 21]);
    // Cells near the threshold come and go; those that are foretold stay, and hardly any others.
    assert(kept >= foretold.longTail.cells - 0.01, `${kept} of ${foretold.longTail.cells}`);
    assertLess(kept, foretold.longTail.cells + 0.25);
  });
}

Deno.test("forecast() says that nothing will be shown where nothing will", () => {
  const { app, full } = asking({ by: ["step"], epsilon: 0.01 });
  const { even, longTail } = forecast(app, full);
  assertEquals(even, { cells: 0, people: 0 });
  assertLess(longTail.cells, 0.001);
});

Deno.test("forecast() of a field under local differential privacy has the devices' noise in it", () => {
  const { app, full } = asking({ event: "vote", of: "choice", epsilon: 0.5 });
  const { reach, totalReach, cells } = forecast(app, full);
  // Generalised randomised response, d = 3, epsilon 2: n times the variance is (e^2 + 1) / (e^2 - 1)^2 for a rare value.
  const rare = 1.96 * Math.sqrt(CLIENTS * (Math.exp(2) + 1) / (Math.exp(2) - 1) ** 2);
  assert(reach > rare && reach < 2 * rare, `${reach} beside ${rare}`);
  assertEquals([totalReach, cells], [undefined, 3]);
});

Deno.test("forecast() of a rate is the interval that a cell of average size gets", () => {
  const { app, full } = asking({ by: ["version"], among: "app_start", epsilon: 0.5 });
  // 952 people, noise of scale 2: 6 / 952 for the numerator, and a tenth of it for the other.
  assertAlmostEquals(forecast(app, full).rateReach!, 6 / 952, 0.001);
});
