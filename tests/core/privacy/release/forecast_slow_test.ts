import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import type { CellTotal } from "../../../../core/privacy/dp/contributions.ts";
import { randomise } from "../../../../core/privacy/dp/local_dp.ts";
import { mechanismOf } from "../../../../core/schema/local_report.ts";
import { event } from "../../../support/privacy/monitored.ts";
import { UniformSource } from "../../../../core/base/uniform.ts";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import type { Application } from "../../../../core/config/types.ts";
import { deriveFrom } from "../../../../core/privacy/release/derived.ts";
import { countFigures, estimateFigures } from "../../../../core/privacy/release/figures.ts";
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
    // Of 60 releases of 21 cells: three standard deviations of the few cells of which it is not certain.
    assertAlmostEquals(kept, foretold.longTail.cells, 0.03);
  });
}

Deno.test("forecast() says that nothing will be shown where nothing will", () => {
  const { app, full } = asking({ by: ["step"], epsilon: 0.01 });
  const { even, longTail } = forecast(app, full);
  assertLess(even.cells, 0.001);
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

Deno.test("forecast() foretells which estimates are kept, and a page of noise is none", () => {
  const choice = { type: "integer" as const, min: 0, max: 39, localDp: { epsilon: 2 } };
  const events = { vote: event({ choice }) };
  const mechanism = mechanismOf(choice)!;
  const random = seededRandom(43);
  const uniform = new UniformSource(random.bytes, 4_096);
  const full: ReleaseQuery = { event: "vote", of: "choice", epsilon: 1 };
  const app = releasing({ budget: { epsilon: 900 }, queries: { q: full } }, {
    events,
    expectedClients: 3_000,
  });
  const plan = planOf(app, full), foretold = forecast(app, full);
  const harmonic = Array.from({ length: 40 }, (_, index) => 1 / (index + 1)).reduce(
    (sum, one) => sum + one,
    0,
  );
  const people = {
    even: new Array<number>(40).fill(75),
    longTail: Array.from({ length: 40 }, (_, index) => Math.round(3_000 / ((index + 1) * harmonic))),
  };
  for (const shape of ["even", "longTail"] as const) {
    const rounds = trials(30);
    let kept = 0, covered = 0;
    for (let round = 0; round < rounds; round++) {
      const totals = new Map<string, CellTotal>();
      for (const [value, count] of people[shape].entries()) {
        for (let person = 0; person < count; person++) {
          const report = String(randomise(mechanism, value, random.bytes));
          const events = (totals.get(report)?.events ?? 0) + 1;
          totals.set(report, { people: events, events, marked: 0 });
        }
      }
      const { figures } = estimateFigures(plan, events.vote, totals, uniform);
      kept += figures.length / 40 / rounds;
      covered += figures.filter(({ cell, lower, upper }) => {
        const truth = people[shape][Number(cell[0])]!;
        return lower <= truth && truth <= upper;
      }).length / 40 / rounds;
    }
    assertAlmostEquals(kept, foretold[shape].cells, 0.03, shape);
    assert(covered >= 0.9 * kept, `${shape}: ${covered} of ${kept}`);
  }
});

Deno.test("forecast() of cells near the threshold tells the probability with which they are shown", () => {
  // 16 people in each of 84 cells, noise of scale 2: they are shown as often as the noise is not below 12 less the line.
  const { app, full } = asking({ by: ["version", "platform"], epsilon: 0.5 });
  const few = { ...app, expectedClients: 84 * 16 };
  const plan = planOf(few, full);
  const totals = new Map<string, CellTotal>();
  for (let version = 0; version < 21; version++) {
    for (let platform = 0; platform < 4; platform++) {
      totals.set(`${version},${platform}`, { people: 16, events: 16, marked: 0 });
    }
  }
  const random = new UniformSource(seededRandom(44).bytes, 4_096);
  let kept = 0;
  for (let round = 0; round < 60; round++) {
    kept += countFigures(plan, EVENTS.app_crash!, totals, random).figures.length / 84 / 60;
  }
  assert(kept > 0.1 && kept < 0.9);
  assertAlmostEquals(kept, forecast(few, full).even.cells, 0.03);
});

Deno.test("forecast() of a rate is the interval that a cell of average size gets", () => {
  const { app, full } = asking({ by: ["version"], among: "app_start", epsilon: 0.5 });
  // 952 people, noise of scale 2: 6 / 952 for the numerator, and a tenth of it for the other.
  assertAlmostEquals(forecast(app, full).rateReach!, 6 / 952, 0.001);
});
