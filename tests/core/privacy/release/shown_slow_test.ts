import { assert, assertLess } from "@std/assert";
import { UniformSource } from "../../../../core/base/uniform.ts";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import type { CellTotal } from "../../../../core/privacy/dp/contributions.ts";
import { deriveFrom, rateOf } from "../../../../core/privacy/release/derived.ts";
import { countFigures } from "../../../../core/privacy/release/figures.ts";
import { methodOf } from "../../../../core/privacy/release/method.ts";
import { breakdownOf, noiseOf, planOf } from "../../../../core/privacy/release/plan.ts";
import type { Release } from "../../../../core/privacy/release/rows.ts";
import { seededRandom, trials } from "../../../support/base/seeded_random.ts";
import { event } from "../../../support/privacy/monitored.ts";
import { DAY, releasing } from "../../../support/privacy/released.ts";

const EVENTS = {
  e: event({ group: { type: "integer", min: 0, max: 19 }, step: { type: "integer", min: 0, max: 3 } }),
  among: event({ group: { type: "integer", min: 0, max: 19 }, step: { type: "integer", min: 0, max: 3 } }),
};

/** People of a cell of `group` and `step`: of so many, so many with the event. */
type People = Readonly<Record<string, readonly [having: number, among: number]>>;

/** Empty, small and large cells; those of groups 0 to 19 are 105, and most are empty. */
const PEOPLE: People = {
  "0,0": [3, 3],
  "0,1": [4, 5],
  "1,0": [6, 6],
  "1,1": [2, 8],
  "2,0": [7, 7],
  "3,0": [8, 8],
  "4,0": [8, 12],
  "5,1": [12, 12],
  "6,0": [0, 15],
  "7,2": [15, 15],
  "8,0": [20, 20],
  "9,0": [3, 20],
  "10,0": [30, 60],
  "11,1": [300, 300],
  "12,1": [40, 1_000],
};

function release(query: Partial<ReleaseQuery>, people: People, random: UniformSource): Release {
  const full: ReleaseQuery = { event: "e", by: ["group", "step"], ...query };
  const budget = full.rho === undefined ? { epsilon: 900 } : { rho: 900 };
  const plan = planOf(releasing({ budget, queries: { q: full } }, { events: EVENTS }), full);
  const totals = new Map<string, CellTotal>(
    Object.entries(people).map((
      [cell, [marked, among]],
    ) => [cell, { people: among, events: plan.among === undefined ? marked : among, marked }]),
  );
  const figures = countFigures(plan, EVENTS.e, totals, random);
  return {
    state: "published",
    id: "-",
    plan,
    noise: noiseOf(plan),
    publishedAt: 0,
    early: false,
    breakdown: breakdownOf(plan, EVENTS.e),
    query: "q",
    day: DAY,
    method: methodOf(plan, EVENTS.e, { code: "-", shownFrom: figures.shownFrom }),
    ...figures,
  };
}

/** How often each thing was shown, and how often its interval held. */
class Tally {
  readonly #shown = new Map<string, { shown: number; held: number }>();

  note(what: string, truth: number, { lower, upper }: { lower: number; upper: number }): void {
    const row = this.#shown.get(what) ?? { shown: 0, held: 0 };
    row.shown++;
    if (lower <= truth && truth <= upper) row.held++;
    this.#shown.set(what, row);
  }

  /** Each holds 95 times in a hundred of those in which it was shown, but for three standard deviations. */
  check(): void {
    for (const [what, { shown, held }] of this.#shown) {
      const least = 0.95 * shown - 3 * Math.sqrt(0.95 * 0.05 * shown) - 1;
      assert(held >= least, `${what}: ${held} of ${shown}`);
    }
  }
}

for (
  const [name, query] of [
    ["Laplace", { epsilon: 0.5 }],
    ["Gauss", { rho: 0.03 }],
    ["a threshold of nothing", { epsilon: 1, threshold: 0 }],
    ["a rate, Laplace", { epsilon: 0.8, among: "among" }],
    ["a rate, Gauss", { rho: 0.06, among: "among" }],
    ["selected cells", { epsilon: 2, cells: "selected" }],
  ] as const
) {
  Deno.test(`what is shown holds 95 times in a hundred, of however few people: ${name}`, () => {
    const random = new UniformSource(seededRandom(51).bytes, 4_096);
    const tally = new Tally();
    const sumOf = (position: number, value: unknown, which: 0 | 1) =>
      Object.entries(PEOPLE).filter(([cell]) => cell.split(",")[position] === String(value))
        .reduce((sum, [, counts]) => sum + counts[which], 0);
    const isRate = "among" in query;
    const everybody = Object.values(PEOPLE).reduce((sum, counts) => sum + counts[isRate ? 1 : 0], 0);
    const rounds = trials(200);
    let empty = 0;
    for (let round = 0; round < rounds; round++) {
      const made = release(query, PEOPLE, random);
      for (const figure of made.figures) {
        const cell = figure.cell.join();
        const [having, among] = PEOPLE[cell] ?? [0, 0];
        if ((isRate ? among : having) === 0) empty++;
        tally.note(`${having} of ${among} in ${cell}`, having, figure);
        const rate = rateOf(figure, made.noise, made.method?.["shown-from"]);
        if (rate !== undefined && among > 0) {
          tally.note(`rate of ${having} in ${among}`, having / among, rate);
        }
      }
      const values = deriveFrom(made)?.values ?? [];
      for (const { field, value, share, rate, ...total } of values) {
        const position = made.plan.by.indexOf(field);
        const [having, among] = [sumOf(position, value, 0), sumOf(position, value, 1)];
        const people = isRate ? among : having;
        tally.note(`total ${people} of ${field} ${value}`, people, total);
        tally.note(`share of ${people} of ${field} ${value}`, people / everybody, share);
        if (rate !== undefined && among > 0) tally.note(`rate of ${field} ${value}`, having / among, rate);
      }
    }
    tally.check();
    // Of 105 cells of which 90 are empty, one in 40 pages may show one.
    assertLess(empty, rounds * 0.04);
  });
}

Deno.test("a page of cells that nobody has shows hardly anything", () => {
  const random = new UniformSource(seededRandom(52).bytes, 4_096);
  for (const query of [{ epsilon: 0.1 }, { rho: 0.001 }, { epsilon: 0.1, among: "among" }]) {
    let shown = 0;
    for (let round = 0; round < 40; round++) {
      const made = release(query, {}, random);
      shown += made.figures.length;
    }
    assertLess(shown, 6, JSON.stringify(query));
  }
});
