import { assert, assertEquals } from "@std/assert";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import type { CellTotal } from "../../../../core/privacy/dp/contributions.ts";
import { randomise } from "../../../../core/privacy/dp/local_dp.ts";
import { countFigures, estimateFigures, MAX_FIGURES } from "../../../../core/privacy/release/figures.ts";
import { DENO_KV_LIMITS } from "../../../../core/store/deno_kv/limits.ts";
import { encodeFigures } from "../../../../core/privacy/release/rows.ts";
import { planOf } from "../../../../core/privacy/release/plan.ts";
import { UniformSource } from "../../../../core/base/uniform.ts";
import type { EventSchema } from "../../../../core/schema/event.ts";
import { mechanismOf } from "../../../../core/schema/local_report.ts";
import { event } from "../../../support/privacy/monitored.ts";
import { EVENTS, releasing } from "../../../support/privacy/released.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";

function plan(query: Partial<ReleaseQuery>, events: Record<string, EventSchema> = EVENTS) {
  const full: ReleaseQuery = { event: "app_crash", ...query };
  const budget = query.rho === undefined ? { epsilon: 900 } : { rho: 900 };
  return planOf(releasing({ budget, queries: { q: full } }, { events }), full);
}

function people(counts: Readonly<Record<string, number>>): Map<string, CellTotal> {
  return new Map(
    Object.entries(counts).map(([cell, count]) => [cell, { people: count, events: count, marked: 0 }]),
  );
}

const source = (seed: number) => new UniformSource(seededRandom(seed).bytes, 4096);

Deno.test("countFigures() names values as records have them, the greatest first, an absent one as null", () => {
  const totals = people({ "9,1": 5_000, "20,3": 7_000, "10,0": 6_000 });
  const { figures, withheld } = countFigures(
    plan({ by: ["version", "platform"], epsilon: 1 }),
    EVENTS.app_crash!,
    totals,
    source(1),
  );
  assertEquals(figures.map(({ cell }) => cell), [[null, null], ["2.0", "linux"], ["1.9", "darwin"]]);
  assertEquals(withheld, 21 * 4 - 3);
  for (const [index, truth] of [7_000, 6_000, 5_000].entries()) {
    const { count, lower, upper } = figures[index]!;
    assert(Math.abs(count - truth) < 20);
    assertEquals([count - lower, upper - count], [3, 3]);
  }
});

Deno.test("countFigures() of no breakdown is one figure", () => {
  const { figures } = countFigures(plan({ epsilon: 1 }), EVENTS.app_crash!, people({ "": 100 }), source(1));
  assertEquals(figures.length, 1);
  assertEquals(figures[0]!.cell, []);
});

Deno.test("countFigures() covers the truth with its intervals 95 times in a hundred, Laplace and Gauss", () => {
  for (const cost of [{ epsilon: 0.2 }, { rho: 0.02 }]) {
    const random = source(2);
    let covered = 0;
    const rounds = 400;
    for (let round = 0; round < rounds; round++) {
      const { figures } = countFigures(
        plan({ by: ["version"], ...cost }),
        EVENTS.app_crash!,
        people({ "3": 500 }),
        random,
      );
      const { lower, upper } = figures.find(({ cell }) => cell[0] === "1.3")!;
      if (lower <= 500 && 500 <= upper) covered++;
    }
    assert(covered / rounds > 0.93 && covered / rounds < 0.99, `${covered / rounds}`);
  }
});

Deno.test("countFigures() noises cells that nobody has, so that none betrays that it is empty", () => {
  const random = source(3);
  let positive = 0;
  for (let round = 0; round < 200; round++) {
    const { figures, hidden, withheld } = countFigures(
      plan({ by: ["version"], threshold: 1, epsilon: 0.1 }),
      EVENTS.app_crash!,
      new Map(),
      random,
    );
    assertEquals(figures.length + withheld, 21);
    positive += [...figures, ...hidden].filter(({ count }) => count >= 1).length;
  }
  // P(noise >= 1) for discrete Laplace noise of scale 10 is r / (1 + r) = 0.475.
  assert(Math.abs(positive / (200 * 21) - 0.475) < 0.03, `${positive / 4_200}`);
});

Deno.test("countFigures() of selected cells names none that is not there, and none of few people", () => {
  const random = source(4);
  const selected = plan({ by: ["step"], epsilon: 4, threshold: 20 });
  const totals = people({ "7": 19, "8": 400, "9": 1 });
  for (let round = 0; round < 50; round++) {
    const { figures } = countFigures(selected, EVENTS.app_crash!, totals, random);
    assertEquals(figures.map(({ cell }) => cell), [[8]]);
  }
});

Deno.test("countFigures() of more cells than one release holds keeps the greatest", () => {
  const wide = { app_crash: event({ step: { type: "integer", min: 0, max: 9_999 } }) };
  const counts = Object.fromEntries(Array.from({ length: 10_000 }, (_, step) => [step, 1_000 + step]));
  const { figures, shownFrom, withheld } = countFigures(
    plan({ by: ["step"], epsilon: 20 }, wide),
    wide.app_crash,
    people(counts),
    source(5),
  );
  assertEquals([figures.length, withheld], [MAX_FIGURES, 10_000 - MAX_FIGURES]);
  // Which of them are kept was decided by their noise: the last ones can be of cells with far fewer people.
  assertEquals([shownFrom, figures.at(-1)!.lower], [figures.at(-1)!.count, 0]);
  assert(figures[0]!.lower > 10_900);
  assert(figures.at(-1)!.count > 2_790);
});

Deno.test("encodeFigures() fits an engine's rows and commits and drops the smallest when it must", () => {
  const long = "x".repeat(60);
  const figures = Array.from({ length: MAX_FIGURES }, (_, index) => ({
    cell: [`${long}${index}`, long, long],
    count: MAX_FIGURES - index,
    lower: 0,
    upper: MAX_FIGURES,
  }));
  const { parts, shownFrom, withheld } = encodeFigures(
    { figures, shownFrom: 1, withheld: 5, hidden: [] },
    DENO_KV_LIMITS,
  );
  for (const part of parts) assert(part.length <= 60 * 1024 + 2);
  const kept = parts.flatMap((part) => JSON.parse(new TextDecoder().decode(part)));
  assertEquals(kept.length + withheld, MAX_FIGURES + 5);
  assertEquals(shownFrom, kept.at(-1)[1]);
  assertEquals(kept.map(([, count]) => count), figures.slice(0, kept.length).map(({ count }) => count));
  assert(parts.reduce((sum, part) => sum + part.length, 0) <= 641 * 1024);
});

for (
  const [name, values] of [["randomised response", 3], ["projective geometry response", 100]] as const
) {
  Deno.test(`estimateFigures() of ${name} is right on average, and covers the truth`, () => {
    const choice = {
      type: "enum" as const,
      values: Array.from({ length: values }, (_, index) => `v${index}`),
      localDp: { epsilon: 2 },
    };
    const events = { vote: event({ choice }) };
    const estimate = plan({ event: "vote", of: "choice", epsilon: 0.5, threshold: 0 }, events);
    const mechanism = mechanismOf(choice)!;
    const random = seededRandom(6);
    const rounds = 60, voters = 3_000;
    let sum = 0, covered = 0;
    for (let round = 0; round < rounds; round++) {
      const reports: Record<string, number> = {};
      for (let voter = 0; voter < voters; voter++) {
        // Two in three voted for the first.
        const report = randomise(mechanism, voter % 3 === 0 ? 1 : 0, random.bytes);
        reports[report] = (reports[report] ?? 0) + 1;
      }
      const { figures } = estimateFigures(
        estimate,
        events.vote,
        people(reports),
        new UniformSource(random.bytes),
      );
      const first = figures.find(({ cell }) => cell[0] === "v0")!;
      sum += first.count;
      if (first.lower <= 2_000 && 2_000 <= first.upper) covered++;
    }
    assert(Math.abs(sum / rounds - 2_000) < 40, `${sum / rounds}`);
    assert(covered >= 0.88 * rounds, `${covered} of ${rounds}`);
  });
}

Deno.test("estimateFigures() of nobody publishes nothing and does not fail", () => {
  const estimate = plan({ event: "vote", of: "choice", epsilon: 0.5 });
  for (let seed = 0; seed < 50; seed++) {
    const { figures, withheld } = estimateFigures(estimate, EVENTS.vote!, new Map(), source(seed));
    assertEquals(figures.length + withheld, 3);
    for (const { count, lower, upper } of figures) assert(lower <= count && count <= upper);
  }
});
