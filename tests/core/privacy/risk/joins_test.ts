import { assert, assertEquals } from "@std/assert";
import { wilsonInterval } from "../../../../core/privacy/dp/wilson.ts";
import { checkConfig } from "../../../../core/config/check/check.ts";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { Sealer } from "../../../../core/keys/sealing.ts";
import { type Comparable, findJoins } from "../../../../core/privacy/risk/joins.ts";
import { KHyperLogLog } from "../../../../core/privacy/sketch/khll.ts";
import { numberBytes } from "../../../support/privacy/number_bytes.ts";
import { RiskMonitor } from "../../../../core/privacy/risk/monitor.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import { accepted, event, NOW, pseudonym } from "../../../support/privacy/monitored.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";

const NUMBER = { type: "integer" as const, min: 0, max: 65_535 };

Deno.test("findJoins() finds the field that two applications share, and none that is shared by chance", async () => {
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } };
  const risk = { action: "warn" };
  const deployment = checkConfig({
    issuer: "telemetry.example",
    applications: {
      shop: { session, risk, events: { bought: event({ basket: NUMBER, ok: { type: "boolean" } }) } },
      bank: {
        session,
        risk,
        events: { paid: event({ sum: NUMBER, branch: NUMBER, ok: { type: "boolean" } }) },
      },
    },
  }, { development: true });
  const random = seededRandom(3);
  const store = storeOver(await Deno.openKv(":memory:"));
  try {
    const sealer = await Sealer.of([new Uint8Array(32)], random.bytes);
    const monitor = new RiskMonitor({ deployment, store, sealer, random: random.bytes });
    await monitor.open();
    for (let person = 0; person < 3_000; person++) {
      // What a person pays at the shop is what they pay through the bank; branches are other numbers.
      const sum = 2 * person;
      monitor.observe("shop", pseudonym(person), [accepted("bought", { basket: sum, ok: true })], NOW);
      const paid = { sum, branch: 2 * (person % 400) + 1, ok: true };
      monitor.observe("bank", pseudonym(10_000 + person), [accepted("paid", paid)], NOW);
    }
    await monitor.merge(NOW);
    const measured = [...await monitor.measure("shop", NOW), ...await monitor.measure("bank", NOW)];
    const { joins, undecided } = findJoins(measured);
    assertEquals(
      joins.map(({ first, second }) => [first, second].map(({ app, field }) => `${app}.${field}`).sort()),
      [["bank.sum", "shop.basket"]],
    );
    const [{ containment, jaccard, compared, interval, shared }] = joins as [typeof joins[0]];
    assertEquals([containment, jaccard, undecided], [1, 1, 0]);
    // All of a sample of a K-th part: the more were compared, the less can have been missed.
    assertEquals(interval, wilsonInterval(compared, compared));
    assert(compared > 500 && interval.lower > 0.99 && interval.upper === 1, `${compared}`);
    assert(Math.abs(shared - 3_000) < 250, `${shared}`);
  } finally {
    store.close();
  }
});

Deno.test("findJoins() says how many values were compared, what follows, and of how many pairs nothing does", () => {
  const domain = new ComparisonDomain(seededRandom(5).bytes(32), ["trial"]);
  const pseudonym = domain.hashPseudonym(numberBytes(0));
  const sketched = (app: string, values: Iterable<number>): Comparable => {
    const sketch = new KHyperLogLog({ k: 256 });
    for (const value of values) sketch.add(domain.hashValue(numberBytes(value)), pseudonym);
    return { app: { id: app }, event: "e", layout: { dimensions: [{ fields: ["f"] }] }, sketches: [sketch] };
  };
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
  // All values are known of both: what is said is exact.
  const exact = findJoins([sketched("a", numbers(0, 150)), sketched("b", numbers(50, 230))]);
  assertEquals([exact.joins.length, exact.undecided], [1, 0]);
  assertEquals([exact.joins[0]!.compared, exact.joins[0]!.interval], [150, { lower: 2 / 3, upper: 2 / 3 }]);
  // A sample: the interval is Wilson's, and holds the truth.
  const sampled = findJoins([sketched("a", numbers(0, 2_000)), sketched("b", numbers(500, 3_000))]);
  const [{ compared, containment, interval }] = sampled.joins as [typeof sampled.joins[0]];
  assert(compared > 100 && compared <= 256, `${compared}`);
  assertEquals(interval, wilsonInterval(Math.round(containment * compared), compared));
  assert(interval.lower < 0.75 && 0.75 < interval.upper && interval.upper - interval.lower < 0.2);
  // Of 60,000 values a sketch knows a few in a thousand: of 110 others hardly any was compared.
  const { joins, undecided } = findJoins([
    sketched("a", numbers(0, 110)),
    sketched("b", numbers(60, 60_000)),
  ]);
  assertEquals(joins.length + undecided, 1);
  for (const { compared, interval } of joins) assert(compared < 10 && interval.lower < 0.5);
});
