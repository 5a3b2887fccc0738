import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { KHyperLogLog } from "../../../../core/privacy/sketch/khll.ts";
import { layoutOf } from "../../../../core/privacy/risk/dimensions.ts";
import { judge, type Thresholds, thresholdsOf } from "../../../../core/privacy/risk/judgement.ts";
import type { RiskThresholds } from "../../../../core/schema/event.ts";
import { event } from "../../../support/privacy/monitored.ts";
import { numberBytes } from "../../../support/privacy/number_bytes.ts";

const LIMITS: Thresholds = {
  rarePseudonyms: 2,
  warnShare: 0.25,
  stopShare: 0.5,
  warnExposed: 0.05,
  stopExposed: 0.2,
  minPseudonyms: 100,
  warnPseudonyms: 100,
  accountPseudonyms: 0,
  action: "stop-event",
};
/** What thresholds follow from besides what an operator writes. */
const SETTINGS = {
  minCrowd: 20,
  tokensPerClient: 2,
  epochSeconds: 86_400,
  pseudonymSeconds: 7 * 86_400,
};

/** A sketch in which value v was seen with `crowds[v]` people, each with one value. */
function sketchOf(crowds: readonly number[], k = 2048): KHyperLogLog {
  const domain = new ComparisonDomain(new Uint8Array(32), ["test"]);
  const sketch = new KHyperLogLog({ k });
  let person = 0;
  for (const [value, crowd] of crowds.entries()) {
    for (let index = 0; index < crowd; index++) {
      sketch.add(domain.hashValue(numberBytes(value)), domain.hashPseudonym(numberBytes(person++)));
    }
  }
  return sketch;
}

function people(crowds: readonly number[]): number {
  return crowds.reduce((sum, crowd) => sum + crowd, 0);
}

function verdict(crowds: readonly number[], limits: Partial<Thresholds> = {}): string {
  return judge(sketchOf(crowds), people(crowds), { ...LIMITS, ...limits }).verdict;
}

Deno.test("judge() waits for enough pseudonyms", () => {
  assertEquals(verdict(Array(99).fill(1)), "waiting");
  assertEquals(verdict(Array(100).fill(1)), "stop");
});

Deno.test("judge() stops by the lower bound and warns by the point estimate", () => {
  // 60 of 100 values are rare, and a third of the people: surely above 47 %.
  const crowds = [...Array(60).fill(2), ...Array(40).fill(6)];
  const { figures } = judge(sketchOf(crowds), people(crowds), LIMITS);
  assertEquals([figures.rare, figures.sampled, figures.share], [60, 100, 0.6]);
  assertAlmostEquals(figures.lowerBound, 0.471, 0.001);
  assertAlmostEquals(figures.exposed, 120 / 360, 1e-12);
  assertEquals(verdict(crowds), "warn");
  assertEquals(verdict(crowds, { stopShare: 0.47 }), "stop");
  assertEquals(verdict(crowds, { warnShare: 0.61, stopShare: 0.61 }), "passed");
});

Deno.test("judge() lets a long tail of few people pass", () => {
  // Most values are rare, but one in fifty people has one.
  const tail = [...Array(200).fill(1), 5_000, 3_000, 1_800];
  assertEquals(judge(sketchOf(tail), people(tail), LIMITS).figures.share > 0.98, true);
  assertEquals(verdict(tail), "passed");
  assertEquals(verdict(tail, { warnExposed: 0.02 }), "warn");
  assertEquals(verdict(tail, { warnExposed: 0.02, stopExposed: 0.02 }), "stop");
});

Deno.test("judge() estimates from a sample how many people are exposed", () => {
  // 20,000 rare values and one that 60,000 people share, which the sample of 512 holds or not: no matter.
  const crowds = [60_000, ...Array(20_000).fill(1)];
  const { figures } = judge(sketchOf(crowds, 512), people(crowds), LIMITS);
  assert(Math.abs(figures.exposed - 0.25) < 0.03, `${figures.exposed}`);
  assertEquals(figures.sampled, 512);
});

Deno.test("judge() does not mistake nothing for something", () => {
  const { figures, verdict } = judge(new KHyperLogLog(), 0, { ...LIMITS, minPseudonyms: 0 });
  assertEquals([figures.share, figures.exposed, figures.lowerBound, verdict], [0, 0, 0, "passed"]);
});

function resolved(
  app: RiskThresholds,
  own: RiskThresholds,
  ofField: RiskThresholds,
  expectedClients = 10_000,
) {
  const schema = event({ a: { type: "boolean" }, b: { type: "integer", min: 0, max: 65_535 } }, {
    risk: { ...own, fields: { b: ofField } },
  });
  const { dimensions } = layoutOf(schema, () => false, { k: 2048, registerCount: 1024 })!;
  return dimensions.map((dimension) =>
    thresholdsOf({ ...SETTINGS, risk: app, expectedClients }, schema, dimension)
  );
}

Deno.test("thresholdsOf() prefers the field to the event to the application to the defaults", () => {
  const [a, b, pair] = resolved({ stopShare: 0.9, warnShare: 0.8 }, { stopShare: 0.7 }, { stopShare: 0.6 });
  assertEquals([a!.stopShare, b!.stopShare, pair!.stopShare], [0.7, 0.6, 0.7]);
  // Nobody is told later than it is stopped.
  assertEquals([a!.warnShare, b!.warnShare, pair!.warnShare], [0.7, 0.6, 0.7]);
  assertEquals([a!.action, b!.action, pair!.action], ["suppress-field", "suppress-field", "stop-event"]);
  assertEquals(resolved({ action: "warn" }, {}, { action: "stop-event" }).map(({ action }) => action), [
    "warn",
    "stop-event",
    "warn",
  ]);
});

Deno.test("thresholdsOf() waits until a harmless domain would be crowded, or a fifth of the clients are there", () => {
  const least = (expectedClients: number) =>
    resolved({}, {}, {}, expectedClients).map(({ minPseudonyms }) => minPseudonyms);
  assertEquals(least(10_000), [1_000, 2_000, 2_000]);
  assertEquals(least(10_000_000), [1_000, 262_144, 524_288]);
  assertEquals(least(100), [50, 50, 50]);
  assertEquals(resolved({ minPseudonyms: 77 }, {}, {}).map(({ minPseudonyms }) => minPseudonyms), [
    77,
    77,
    77,
  ]);
});

Deno.test("thresholdsOf() warns nobody before a harmless domain would have its crowds, or all clients are there", () => {
  const warned = (expectedClients: number, own: RiskThresholds = {}) =>
    resolved({}, own, {}, expectedClients).map(({ warnPseudonyms }) => warnPseudonyms);
  assertEquals(warned(10_000), [1_000, 10_000, 10_000]);
  assertEquals(warned(10_000_000), [1_000, 1_310_720, 2_621_440]);
  assertEquals(warned(10_000, { minPseudonyms: 77 }), [77, 77, 77]);
});

Deno.test("thresholdsOf() knows as how many pseudonyms an account may come within a period", () => {
  // Two tokens of each of seven days' keys; what comes late under the keys of the period before is not measured.
  assertEquals(resolved({}, {}, {}).map(({ accountPseudonyms }) => accountPseudonyms), [14, 14, 14]);
});
