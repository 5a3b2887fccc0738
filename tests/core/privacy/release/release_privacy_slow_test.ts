/**
 * A statistical test of privacy: the same release is made thousands of times of two sets of records that differ in one
 * person, and no set of outputs may be more likely with them than e^epsilon times as likely without, and the reverse.
 * It has to find the releases that are not private: those that are noised as if contributions were bounded, and whose
 * contributions are not.
 */
import { assert } from "@std/assert";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import { epsilonAt, type PrivacyLoss } from "../../../../core/privacy/dp/accounting.ts";
import {
  BoundedContributions,
  type CellTotal,
  type ContributionBounds,
} from "../../../../core/privacy/dp/contributions.ts";
import { toNumber } from "../../../../core/privacy/dp/rational.ts";
import { countFigures } from "../../../../core/privacy/release/figures.ts";
import { planOf, type ReleasePlan } from "../../../../core/privacy/release/plan.ts";
import { SipHash } from "../../../../core/privacy/sketch/siphash.ts";
import { UniformSource } from "../../../../core/base/uniform.ts";
import { wilsonInterval } from "../../../../core/privacy/dp/wilson.ts";
import { event } from "../../../support/privacy/monitored.ts";
import { releasing } from "../../../support/privacy/released.ts";
import { type SeededRandom, seededRandom, trials } from "../../../support/base/seeded_random.ts";

const EVENTS = {
  e: event({ a: { type: "enum", values: ["x", "y", "z"] } }),
  other: event({ a: { type: "enum", values: ["x", "y", "z"] } }),
};
const ROUNDS = trials(1_000);
/** Of each of the many comparisons: that all of them hold together is likelier than 99 %. */
const CONFIDENCE = 0.99999;

/** As many people of each value, with an event each. */
function crowd(size: number): Records {
  return Array.from({ length: 3 * size }, (_, person) => [`p${person}`, String(person % 3)] as const);
}

/** One more, with three hundred events: of one value, or of all. */
const HEAVY: Records[] = [1, 3].map((values) =>
  Array.from({ length: 300 }, (_, index) => ["heavy", String(index % values)] as const)
);

type Records = readonly (readonly [person: string, cell: string])[];

function plan(query: Partial<ReleaseQuery>): ReleasePlan {
  const full: ReleaseQuery = { event: "e", by: ["a"], threshold: 0, ...query };
  const budget = full.rho === undefined ? { epsilon: 900, delta: 0.01 } : { rho: 900, delta: 0.01 };
  return planOf(releasing({ budget, queries: { q: full } }, { events: EVENTS }), full);
}

/** What one release of the records publishes, reduced to numbers: the figure of each cell, and their sum. */
function publish(
  records: Records,
  made: ReleasePlan,
  bounds: ContributionBounds,
  random: SeededRandom,
): number[] {
  const contributions = new BoundedContributions(bounds, new SipHash(random.bytes(16)));
  // Of a rate the heavy person has the event, and nobody else.
  for (const [person, cell] of records) contributions.add(person, cell, person === "heavy");
  const totals = new Map<string, CellTotal>();
  contributions.addTo(totals);
  const { figures } = countFigures(made, EVENTS.e, totals, new UniformSource(random.bytes, 512));
  const cells = ["x", "y", "z"].map((value) => figures.find(({ cell }) => cell[0] === value)?.count ?? -1);
  const without = figures.map(({ count, among = count }) => among - count);
  return [
    ...without,
    ...cells,
    cells.reduce((sum, count) => sum + count),
    cells.filter((count) => count >= 0).length,
  ];
}

/**
 * The greatest loss that the releases surely show at this delta: over half-lines of each number that is published, the
 * logarithm of how much likelier one is with the person (or without them).
 */
function shownLoss(
  made: ReleasePlan,
  bounds: ContributionBounds,
  { delta = 0, people = 2, seed }: { delta?: number; people?: number; seed: number },
): number {
  const random = seededRandom(seed);
  const others = crowd(people);
  const repeat = (records: Records) =>
    Array.from({ length: ROUNDS }, () => publish(records, made, bounds, random));
  const without = repeat(others);
  let worst = -Infinity;
  for (const heavy of HEAVY) {
    const outputs = repeat([...others, ...heavy]);
    for (let index = 0; index < outputs[0]!.length; index++) {
      const [a, b] = [outputs, without].map((those) => those.map((output) => output[index]!));
      worst = Math.max(worst, lossOf(a!, b!, delta), lossOf(b!, a!, delta));
    }
  }
  return worst;
}

function lossOf(first: number[], second: number[], delta: number): number {
  const values = [...new Set([...first, ...second])].sort((a, b) => a - b);
  const step = Math.ceil(values.length / 60);
  let worst = -Infinity;
  for (let at = 0; at < values.length; at += step) {
    const above = [first, second].map((numbers) => numbers.filter((x) => x >= values[at]!).length);
    for (const [likely, unlikely] of [above, above.map((hits) => ROUNDS - hits)] as [number, number][]) {
      const lower = wilsonInterval(likely, ROUNDS, CONFIDENCE).lower - delta;
      if (lower > 0) {
        worst = Math.max(worst, Math.log(lower / wilsonInterval(unlikely, ROUNDS, CONFIDENCE).upper));
      }
    }
  }
  return worst;
}

/** The epsilon that a loss promises at `delta` in all. */
function promised(loss: PrivacyLoss, delta: number): number {
  const own = toNumber(loss.delta);
  return loss.unit === "pure" ? toNumber(loss.amount) : epsilonAt(loss, delta - own);
}

const UNBOUNDED: ContributionBounds = { cellsPerPerson: 100, eventsPerCell: 1_000 };

const CASES: [string, Partial<ReleaseQuery>, { delta?: number; people?: number }][] = [
  ["one cell, one event, Laplace", { epsilon: 1 }, {}],
  ["one cell, one event, little epsilon", { epsilon: 0.3 }, {}],
  ["three cells of two events, Laplace", { epsilon: 1, cellsPerPerson: 3, eventsPerCell: 2 }, {}],
  ["one cell, one event, Gauss", { rho: 0.1 }, { delta: 0.001 }],
  ["two cells of three events, Gauss", { rho: 0.1, cellsPerPerson: 2, eventsPerCell: 3 }, { delta: 0.001 }],
  ["selected cells", { epsilon: 3, cells: "selected", delta: 0.001 }, { delta: 0.001, people: 5 }],
];

for (const [index, [name, query, data]] of CASES.entries()) {
  const made = plan(query);
  const epsilon = promised(made.cost, data.delta ?? 0);

  Deno.test(`a release keeps its promise about a heavy person: ${name}`, () => {
    const shown = shownLoss(made, made, { ...data, seed: 2 * index });
    assert(shown <= epsilon, `${shown} is above ${epsilon}`);
  });

  Deno.test(`the test of privacy finds the release whose contributions are not bounded: ${name}`, () => {
    const shown = shownLoss(made, UNBOUNDED, { ...data, seed: 2 * index + 1 });
    assert(shown > epsilon + 0.5, `it shows a loss of ${shown} only`);
  });
}

for (
  const [name, query, delta] of [
    ["one cell, Laplace", { epsilon: 1, among: "other" }, 0],
    ["two cells, Gauss", { rho: 0.1, among: "other", cellsPerPerson: 2 }, 0.001],
  ] as const
) {
  Deno.test(`a rate keeps its promise about a person with the event: ${name}`, () => {
    const made = plan(query);
    const shown = shownLoss(made, made, { delta, seed: 77 });
    assert(shown <= promised(made.cost, delta), `${shown}`);
    // And noise that is far too small is found, in the very figures of a rate.
    const louder = plan("rho" in query ? { ...query, rho: 36 * query.rho } : { ...query, epsilon: 3 });
    const found = shownLoss(louder, louder, { delta, seed: 78 });
    assert(found > promised(made.cost, delta), `it shows a loss of ${found} only`);
  });
}

Deno.test("the test of privacy finds noise that is half of what it should be", () => {
  // Noised for epsilon 2, and said to be for 1.
  const shown = shownLoss(plan({ epsilon: 2 }), plan({ epsilon: 1 }), { seed: 99 });
  assert(shown > 1.3, `it shows a loss of ${shown} only`);
});
