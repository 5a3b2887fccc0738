import { assert, assertEquals } from "@std/assert";
import { checkChain } from "../../../../core/operations/audit_chain.ts";
import { AuditLog } from "../../../../core/operations/audit_log.ts";
import type { ReleasesConfig } from "../../../../core/config/release_types.ts";
import { readReleases } from "../../../../core/privacy/release/rows.ts";
import { type ReleaseContext, releaseDay } from "../../../../core/privacy/release/release.ts";
import { differencesOf, type ToldRelease } from "../../../../core/privacy/release/verify_release.ts";
import { describeReleases } from "../../../../routes/admin/release_documents.ts";
import { crashes, DAY, NIGHT, releasing, store, withReleases } from "../../../support/privacy/released.ts";

/** A question of each kind of noise and of cells. */
const KINDS: Record<string, ReleasesConfig> = {
  "Laplace noise over declared cells": {
    budget: { epsilon: 7 },
    queries: { crashes: { event: "app_crash", by: ["version"], epsilon: 0.3 } },
  },
  "Gaussian noise and clamps above one": {
    budget: { rho: 1 },
    queries: {
      crashes: { event: "app_crash", by: ["platform"], rho: 0.07, cellsPerPerson: 2, eventsPerCell: 3 },
    },
  },
  "selected cells": {
    budget: { epsilon: 7 },
    queries: { crashes: { event: "app_crash", by: ["version"], cells: "selected", epsilon: 1 } },
  },
  "no breakdown": { budget: { epsilon: 7 }, queries: { crashes: { event: "app_crash", epsilon: 1 } } },
  "rates": {
    budget: { epsilon: 7 },
    queries: { crashes: { event: "app_crash", among: "app_start", by: ["version"], epsilon: 1 } },
  },
  "reports under local differential privacy": {
    budget: { epsilon: 7 },
    queries: { choices: { event: "vote", of: "choice", epsilon: 1, threshold: 0 } },
  },
};

async function readTrail({ store, random }: ReleaseContext): Promise<Uint8Array[]> {
  return await Array.fromAsync(new AuditLog(store, { random, now: () => NIGHT }).lines());
}

/** A day's release as the API tells it and a file keeps it, and the lines of the audit log. */
async function releaseOf(context: ReleaseContext, kv: Deno.Kv, releases: ReleasesConfig) {
  const app = releasing(releases);
  const votes = Array.from({ length: 300 }, (_, index) => ({
    person: `v-${index}`,
    name: "vote",
    fields: { choice: index % 3 },
  }));
  await store(kv, [...crashes({ "1.2": 300, "2.0": 120 }), ...votes]);
  assertEquals(Object.values(await releaseDay(context, app, { day: DAY, nowSeconds: NIGHT })), ["published"]);
  const told = describeReleases({
    app,
    releases: await readReleases(context.store, "app", DAY, DAY),
    budgets: [],
  });
  const [release] = JSON.parse(JSON.stringify(told)).releases as ToldRelease[];
  assert(release!.figures.length > 0);
  return { release: release!, lines: await readTrail(context) };
}

for (const [kind, releases] of Object.entries(KINDS)) {
  Deno.test(`a release with ${kind} is verified from what the API tells and the audit log`, () =>
    withReleases(async (context, kv) => {
      const { release, lines } = await releaseOf(context, kv, releases);
      assertEquals(differencesOf(release, { app: "app", chain: checkChain(lines) }), []);
    }));
}

/** The release with a member of its method or its proof changed. */
const withMethod = (release: ToldRelease, changes: object): ToldRelease => ({
  ...release,
  method: { ...release.method!, ...changes },
});

const CHANGES: Record<string, [change: (release: ToldRelease) => ToldRelease, names: RegExp]> = {
  "a figure": [
    ({ figures: [first, ...others], ...release }) => ({
      ...release,
      figures: [{ ...first!, count: first!.count + 1 }, ...others],
    }),
    /lower end|upper end/,
  ],
  "an interval": [
    ({ figures: [first, ...others], ...release }) => ({
      ...release,
      figures: [{ ...first!, lower: first!.lower + 1 }, ...others],
    }),
    /1\.2: the interval's lower end is/,
  ],
  "a figure that is left out": [
    ({ figures, ...release }) => ({ ...release, figures: figures.slice(1) }),
    /figures with those withheld is 20, and has to be 21/,
  ],
  "the noise": [(release) => withMethod(release, { parameter: "1/2" }), /the noise's parameter is 1\/2/],
  "the noise that is told": [
    (release) => ({ ...release, noise: { kind: "laplace", scale: 7 } }),
    /noise.scale is 7/,
  ],
  "the clamps": [
    (release) => ({
      ...withMethod(release, { clamps: { "cells-per-person": 5, "events-per-cell": 1 } }),
      bounds: { "cells-per-person": 5, "events-per-cell": 1 },
    }),
    /the noise's parameter/,
  ],
  "the cost": [
    (release) => withMethod(release, { cost: { unit: "epsilon", amount: "1/100", delta: "0" } }),
    /the noise's parameter/,
  ],
  "a cost that is no fraction": [
    (release) => withMethod(release, { cost: { unit: "epsilon", amount: "little", delta: "0" } }),
    /its method cannot be carried out/,
  ],
  "the threshold": [(release) => ({ ...release, threshold: 1 }), /threshold is 1, and has to be 10/],
  "from where on figures are shown": [
    (release) => withMethod(release, { "shown-from": 11 }),
    /the number from which figures are shown is 11, and has to be /,
  ],
  "the version of the code": [(release) => withMethod(release, { code: "9.9.9" }), /its digest is/],
  "the day": [(release) => ({ ...release, day: "1999-01-01" }), /is not of this release/],
  "the proof's entry": [
    (release) => ({ ...release, proof: { ...release.proof!, entry: 2 } }),
    /entry 2 of the audit log is not of this release/,
  ],
  "the proof, taken away": [
    ({ proof: _, ...release }) => release,
    /it has no proof/,
  ],
};

for (const [what, [change, names]] of Object.entries(CHANGES)) {
  Deno.test(`a release is not verified after a change of ${what}, and the difference is named`, () =>
    withReleases(async (context, kv) => {
      const { release, lines } = await releaseOf(context, kv, KINDS["Laplace noise over declared cells"]!);
      const found = differencesOf(change(release), { app: "app", chain: checkChain(lines) });
      assert(found.some((sentence) => names.test(sentence)), found.join("\n"));
    }));
}

Deno.test("a release that was changed together with its digest does not fit the audit log", () =>
  withReleases(async (context, kv) => {
    const { release, lines } = await releaseOf(context, kv, KINDS["no breakdown"]!);
    const [figure] = release.figures;
    const moved = {
      ...figure!,
      count: figure!.count + 5,
      lower: figure!.lower + 5,
      upper: figure!.upper + 5,
    };
    const forged = { ...release, figures: [moved] };
    const [difference] = differencesOf(forged, { app: "app", chain: checkChain(lines) });
    const digest = /^its digest is ([0-9a-f]{64}),/.exec(difference!)![1]!;
    const sealed = { ...forged, proof: { ...release.proof!, digest } };
    assertEquals(differencesOf(sealed, { app: "app", chain: checkChain(lines) }), [
      `entry ${release.proof!.entry} of the audit log has another digest`,
    ]);
    // And an entry that is changed as well breaks the chain behind it.
    const text = (line: Uint8Array) => new TextDecoder().decode(line);
    const changed = lines.map((line) =>
      new TextEncoder().encode(text(line).replace(release.proof!.digest, digest))
    );
    assert(changed.some((line, index) => text(line) !== text(lines[index]!)));
    assertEquals(checkChain(changed), { intact: false, at: release.proof!.entry + 1 });
  }));

Deno.test("a release of before, whose intervals do not know what is shown, is verified as what its method says", () =>
  withReleases(async (context, kv) => {
    const { release, lines } = await releaseOf(context, kv, KINDS["Laplace noise over declared cells"]!);
    const { "shown-from": shownFrom, ...method } = release.method!;
    assert(shownFrom! > release.method!.threshold, `${shownFrom}`);
    // Near the line: an interval of the noise alone is right of one and wrong of the other.
    const half = release.figures[0]!.upper - release.figures[0]!.count;
    const near = { ...release.figures[1]!, count: shownFrom!, upper: shownFrom! + half };
    const of = (lower: number, how: ToldRelease["method"]) =>
      differencesOf(
        { ...release, method: how, figures: [release.figures[0]!, { ...near, lower }] },
        { app: "app", chain: checkChain(lines) },
      ).filter((sentence) => sentence.includes("lower end"));
    assertEquals(of(Math.max(0, shownFrom! - half), method), []);
    assertEquals(of(0, release.method), []);
    assertEquals(of(Math.max(0, shownFrom! - half), release.method).length, shownFrom! > half ? 1 : 0);
  }));

Deno.test("the interval of an estimate is computed again from its count and the number of reports", () =>
  withReleases(async (context, kv) => {
    const releases = KINDS["reports under local differential privacy"]!;
    const { release, lines } = await releaseOf(context, kv, releases);
    const [figure, ...others] = release.figures;
    for (const changes of [{ lower: figure!.lower - 9 }, { upper: figure!.upper + 9 }]) {
      const forged = { ...release, figures: [{ ...figure!, ...changes }, ...others] };
      const found = differencesOf(forged, { app: "app", chain: checkChain(lines) });
      assert(found.some((sentence) => sentence.includes("or 1 off")), found.join("\n"));
    }
  }));
