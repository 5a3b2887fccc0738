import { assert, assertEquals } from "@std/assert";
import { UniformSource } from "../../../../core/base/uniform.ts";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import type { CellTotal } from "../../../../core/privacy/dp/contributions.ts";
import { deriveFrom, rateOf } from "../../../../core/privacy/release/derived.ts";
import { countFigures } from "../../../../core/privacy/release/figures.ts";
import { breakdownOf, noiseOf, planOf } from "../../../../core/privacy/release/plan.ts";
import { releaseDay } from "../../../../core/privacy/release/release.ts";
import { readReleases, type Release } from "../../../../core/privacy/release/rows.ts";
import { seededRandom, trials } from "../../../support/base/seeded_random.ts";
import {
  crashes,
  DAY,
  EVENTS,
  NIGHT,
  releasing,
  type Sent,
  store,
  withReleases,
} from "../../../support/privacy/released.ts";

function starts(people: Readonly<Record<string, number>>, prefix = "p"): Sent[] {
  return crashes(people, prefix).map((sent) => ({ ...sent, name: "app_start" }));
}

async function release(sent: readonly Sent[], query: Partial<ReleaseQuery>, seed?: number): Promise<Release> {
  const found: Release[] = [];
  await withReleases(async (context, kv) => {
    await store(kv, sent);
    const app = releasing({
      budget: { epsilon: 700 },
      queries: { q: { event: "app_crash", among: "app_start", epsilon: 1, ...query } },
    });
    assertEquals(await releaseDay(context, app, { day: DAY, nowSeconds: NIGHT }), { q: "published" });
    found.push(...await readReleases(context.store, "app", DAY, DAY));
  }, seed === undefined ? {} : { seed });
  return found[0]!;
}

Deno.test("a rate counts people with the event among those who have either, each once", async () => {
  const { figures, withheld, hidden, noise, plan } = await release([
    // 1,000 opened it, of whom 200 crashed, again and again; 50 crashed and were never seen to open it.
    ...starts({ "1.2": 1_000, "2.0": 400 }),
    ...starts({ "1.2": 1_000 }),
    ...crashes({ "1.2": 200 }),
    ...crashes({ "1.2": 200 }),
    ...crashes({ "1.2": 50 }, "unseen"),
  ], { by: ["version"] });
  assertEquals(figures.map(({ cell }) => cell), [["1.2"], ["2.0"]]);
  assertEquals([withheld, hidden.length, plan.among], [19, 19, "app_start"]);
  const [crashing, quiet] = figures;
  assert(crashing!.lower <= 250 && 250 <= crashing!.upper && Math.abs(crashing!.among! - 1_050) < 15);
  assert(Math.abs(quiet!.count) < 12 && Math.abs(quiet!.among! - 400) < 15);
  const { lower, upper } = rateOf(crashing!, noise)!;
  assert(lower <= 250 / 1_050 && 250 / 1_050 <= upper && upper - lower < 0.02, `${lower} .. ${upper}`);
  assertEquals(rateOf(quiet!, noise)!.lower, 0);
});

Deno.test("a person of many versions counts in one, whether they crashed there or not", async () => {
  const versions = ["1.1", "1.2", "1.3", "1.4"];
  const sent = Array.from({ length: 800 }, (_, person) =>
    versions.flatMap((version): Sent[] => [
      { person: `${person}`, name: "app_start", fields: { version, platform: "linux" } },
      // All of them crash on 1.2, and nowhere else.
      ...(version === "1.2"
        ? [{ person: `${person}`, name: "app_crash", fields: { version, platform: "linux" } }]
        : []),
    ])).flat();
  const made = await release(sent, { by: ["version"] });
  const all = made.figures.reduce((sum, { among }) => sum + among!, 0);
  assert(Math.abs(all - 800) < 30, `${all}`);
  // So the choice of the version that counts does not depend on the crash, and the rates are right.
  for (const figure of made.figures) {
    const { lower, upper } = rateOf(figure, made.noise)!;
    const truth = figure.cell[0] === "1.2" ? 1 : 0;
    assert(lower <= truth && truth <= upper, JSON.stringify(figure));
    assert(Math.abs(figure.among! - 200) < 60);
  }
});

Deno.test("a rate over everybody needs no breakdown, and one of selected cells names those that enough people have", async () => {
  const sent = [...starts({ "1.2": 600, "2.0": 2 }), ...crashes({ "1.2": 60 })];
  const total = await release(sent, {});
  assertEquals(total.figures.length, 1);
  const { lower, upper } = rateOf(total.figures[0]!, total.noise)!;
  assert(lower <= 60 / 602 && 60 / 602 <= upper);
  const selected = await release(sent, { by: ["version"], cells: "selected" });
  assertEquals(selected.figures.map(({ cell }) => cell), [["1.2"]]);
});

/** What a release would publish of these people by version: of so many, so many crashed. */
function publish(
  people: readonly (readonly [having: number, among: number])[],
  query: Partial<ReleaseQuery>,
  random: UniformSource,
): Release {
  const full: ReleaseQuery = { event: "app_crash", among: "app_start", by: ["version"], ...query };
  const budget = full.rho === undefined ? { epsilon: 900 } : { rho: 900 };
  const plan = planOf(releasing({ budget, queries: { q: full } }), full);
  const totals = new Map<string, CellTotal>(
    people.map(([marked, among], cell) => [String(cell), { people: among, events: among, marked }]),
  );
  return {
    state: "published",
    id: "-",
    plan,
    noise: noiseOf(plan),
    publishedAt: 0,
    early: false,
    breakdown: breakdownOf(plan, EVENTS.app_crash!),
    query: "q",
    day: DAY,
    ...countFigures(plan, EVENTS.app_crash!, totals, random),
  };
}

const POPULATION = [[250, 1_050], [0, 400], [3, 40], [120, 120], [1, 12], [0, 4], [2, 5]] as const;

for (const [name, cost] of [["Laplace", { epsilon: 0.3 }], ["Gauss", { rho: 0.02 }]] as const) {
  Deno.test(`the interval of a rate holds the truth 95 times in a hundred: ${name}`, () => {
    const random = new UniformSource(seededRandom(31).bytes, 4_096);
    const held = new Map<string, number>();
    const note = (what: string, holds: boolean) => held.set(what, (held.get(what) ?? 0) + (holds ? 1 : 0));
    const rounds = trials(600);
    const having = POPULATION.reduce((sum, [count]) => sum + count, 0);
    const among = POPULATION.reduce((sum, [, count]) => sum + count, 0);
    for (let round = 0; round < rounds; round++) {
      const made = publish(POPULATION, { ...cost, threshold: 20 }, random);
      // Of every cell, those too that are not shown.
      for (const figure of [...made.figures, ...made.hidden]) {
        // Also where noise has taken more from nobody than the interval reaches.
        assert(0 <= figure.lower && figure.lower <= figure.upper, JSON.stringify(figure));
        const index = Array.from(POPULATION, (_, cell) => `1.${cell}`).indexOf(String(figure.cell[0]));
        const truth = POPULATION[index];
        if (truth === undefined) continue;
        const { lower, upper } = rateOf(figure, made.noise)!;
        note(String(figure.cell[0]), lower <= truth[0] / truth[1] && truth[0] / truth[1] <= upper);
      }
      const { all } = deriveFrom(made)!;
      note("all", all.rate!.lower <= having / among && having / among <= all.rate!.upper);
      note("people", all.lower <= among && among <= all.upper);
    }
    assertEquals(held.size, POPULATION.length + 2);
    for (const [what, count] of held) assert(count / rounds > 0.93, `${name} ${what}: ${count / rounds}`);
  });
}
