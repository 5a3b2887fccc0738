import { assert, assertEquals } from "@std/assert";
import { checkConfig } from "../../../../core/config/check/check.ts";
import { Sealer } from "../../../../core/keys/sealing.ts";
import { findJoins } from "../../../../core/privacy/risk/joins.ts";
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
    const joins = findJoins(measured);
    assertEquals(
      joins.map(({ first, second }) => [first, second].map(({ app, field }) => `${app}.${field}`).sort()),
      [["bank.sum", "shop.basket"]],
    );
    assertEquals([joins[0]!.containment, joins[0]!.jaccard], [1, 1]);
    assert(Math.abs(joins[0]!.shared - 3_000) < 250, `${joins[0]!.shared}`);
  } finally {
    store.close();
  }
});
