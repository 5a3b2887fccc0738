import { assert, assertEquals, assertLess } from "@std/assert";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import { type Derived, deriveFrom } from "../../../../core/privacy/release/derived.ts";
import { releasesOf } from "../../../../core/privacy/release/families.ts";
import { releaseDay } from "../../../../core/privacy/release/release.ts";
import { type PublishedRow, readReleases, type Release } from "../../../../core/privacy/release/rows.ts";
import type { EventSchema } from "../../../../core/schema/event.ts";
import { event } from "../../../support/privacy/monitored.ts";
import { DAY, NIGHT, releasing, type Sent, store, withReleases } from "../../../support/privacy/released.ts";

const EVENTS: Record<string, EventSchema> = {
  load: event({
    version: { type: "version", majors: [1, 2], minors: 9 },
    platform: { type: "enum", values: ["linux", "darwin", "windows"] },
    ms: { type: "bucket", edges: [10, 100, 1_000], optional: true },
    step: { type: "integer", min: 0, max: 9_999, optional: true },
  }, { identifying: "planted" }),
  vote: event({ choice: { type: "enum", values: ["yes", "no"], localDp: { epsilon: 2 } } }),
};

/** People by version, platform and bucket. */
function loads(
  people: readonly (readonly [version: string, platform: string, ms: number | undefined, count: number])[],
): Sent[] {
  return people.flatMap(([version, platform, ms, count], row) =>
    Array.from({ length: count }, (_, index): Sent => ({
      person: `${row}-${index}`,
      name: "load",
      fields: { version, platform, ...(ms === undefined ? {} : { ms }) },
    }))
  );
}

async function release(sent: readonly Sent[], query: Partial<ReleaseQuery>): Promise<Release> {
  let found: Release | undefined;
  await withReleases(async (context, kv) => {
    await store(kv, sent);
    const app = releasing({
      budget: { epsilon: 700 },
      queries: { q: { event: "load", epsilon: 1, ...query } },
    }, { events: EVENTS });
    assertEquals(await releaseDay(context, app, { day: DAY, nowSeconds: NIGHT }), { q: "published" });
    [found] = await readReleases(context.store, "app", DAY, DAY);
  });
  return found!;
}

const PEOPLE = loads([
  ["1.2", "linux", 0, 200],
  ["1.2", "darwin", 1, 300],
  ["1.2", "windows", 1, 4],
  ["2.0", "linux", 2, 400],
  ["2.0", "windows", 3, 90],
  ["2.1", "windows", 1, 6],
]);

function valueOf(derived: Derived, field: string, value: string) {
  return derived.values.find((total) => total.field === field && total.value === value)!;
}

Deno.test("deriveFrom() adds up a version over all platforms, those cells too that are not shown", async () => {
  const made = await release(PEOPLE, { by: ["version", "platform"] });
  assert(made.figures.every(({ count }) => count >= 10) && made.figures.length <= 6);
  assertEquals(made.figures.length + made.hidden.length, 21 * 4);
  const derived = deriveFrom(made)!;
  for (const [value, people] of [["1.2", 504], ["2.0", 490]] as const) {
    const { count, lower, upper, share } = valueOf(derived, "version", value);
    // Four cells of a noise of scale 1, of which two are shown at most.
    assertEquals([count - lower, upper - count], [5, 5]);
    assert(lower <= people && people <= upper, `${value}: ${lower} .. ${upper}`);
    assert(share.lower <= people / 1_000 && people / 1_000 <= share.upper, JSON.stringify(share));
    assertLess(share.upper - share.lower, 0.03);
  }
  // 84 cells.
  assertEquals([derived.all.count - derived.all.lower, derived.all.upper - derived.all.count], [24, 24]);
  assert(derived.all.lower <= 1_000 && 1_000 <= derived.all.upper);
  // The published cells alone would be wrong.
  assertLess(made.figures.reduce((sum, { count }) => sum + count, 0), 1_000);
});

Deno.test("deriveFrom() tells no total below the threshold", async () => {
  const made = await release(PEOPLE, { by: ["version", "platform"], threshold: 50 });
  const versions = deriveFrom(made)!.values.filter(({ field }) => field === "version");
  assertEquals(versions.map(({ value }) => value).sort(), ["1.2", "2.0"]);
});

Deno.test("deriveFrom() tells quantiles as ranges of the edges that were in force, over all and for each platform", async () => {
  const made = await release(PEOPLE, { by: ["platform", "ms"] });
  const { quantiles } = deriveFrom(made)!;
  const find = (quantile: number, among: Record<string, string>) =>
    quantiles.find((one) =>
      one.quantile === quantile && JSON.stringify(one.among) === JSON.stringify(among)
    )!;
  // 200 below 10, 310 below 100, 400 below 1,000, 90 above.
  assertEquals(find(0.5, {}).interval.to! >= 100, true);
  assertEquals(find(0.9, {}).range, { from: 100, to: 1_000 });
  assertEquals(find(0.99, {}).range, { from: 1_000, to: null });
  assertEquals(find(0.5, { platform: "darwin" }), {
    field: "ms",
    among: { platform: "darwin" },
    quantile: 0.5,
    range: { from: 10, to: 100 },
    interval: { from: 10, to: 100 },
  });
  assertEquals(find(0.5, { platform: "linux" }).range, { from: 100, to: 1_000 });
});

Deno.test("deriveFrom() leaves out of a quantile who sent no measurement", async () => {
  const made = await release(loads([["1.2", "linux", undefined, 900], ["1.2", "linux", 2, 100]]), {
    by: ["ms"],
  });
  const { quantiles, all } = deriveFrom(made)!;
  assertEquals(
    quantiles.map(({ range }) => range),
    Array.from({ length: 3 }, () => ({ from: 100, to: 1_000 })),
  );
  assert(all.lower <= 1_000 && 1_000 <= all.upper);
});

Deno.test("deriveFrom() of selected cells has room for everybody in cells that were not selected", async () => {
  const few = Array.from({ length: 200 }, (_, step): Sent => ({
    person: `few-${step}`,
    name: "load",
    fields: { version: "1.2", platform: "linux", step },
  }));
  const many = Array.from({ length: 500 }, (_, index): Sent => ({
    person: `many-${index}`,
    name: "load",
    fields: { version: "1.2", platform: "linux", step: 9_000 },
  }));
  const made = await release([...few, ...many], { by: ["step"] });
  assertEquals(made.figures.length, 1);
  const { all, values } = deriveFrom(made)!;
  assertLess(all.count, 520);
  assert(all.upper >= 700, "the other 200 people are in no cell");
  assert(values[0]!.share.lower <= 500 / 700 && 500 / 700 <= values[0]!.share.upper);
});

Deno.test("deriveFrom() adds up nothing where errors depend on each other, or not everything is there", async () => {
  const vote = Array.from({ length: 300 }, (_, index): Sent => ({
    person: `${index}`,
    name: "vote",
    fields: { choice: index % 2 },
  }));
  assertEquals(deriveFrom(await release(vote, { event: "vote", of: "choice" })), undefined);
  const made = await release(PEOPLE, { by: ["version"] });
  assertEquals(deriveFrom({ ...made, hidden: made.hidden.slice(1) }), undefined);
  const { breakdown: _, ...before } = made;
  assertEquals(deriveFrom(before), undefined);
});

Deno.test("deriveFrom() changes with nothing that the configuration says later", () =>
  withReleases(async (context, kv) => {
    await store(kv, PEOPLE);
    const app = releasing({
      budget: { epsilon: 7 },
      queries: { q: { event: "load", by: ["ms"], epsilon: 1 } },
    }, { events: EVENTS });
    await releaseDay(context, app, { day: DAY, nowSeconds: NIGHT });
    const rows = await Array.fromAsync(context.store.list<PublishedRow>(releasesOf("app", DAY, DAY)));
    assertEquals(rows[0]!.value.breakdown, {
      fields: [{ values: 5, edges: [10, 100, 1_000] }],
      mostUnseen: 0,
    });
  }));
