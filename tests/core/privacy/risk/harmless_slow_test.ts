/** Schemas within their budget whose values are distributed as most are: a warning that always comes is read by nobody. */
import { assert, assertEquals } from "@std/assert";
import { checkConfig } from "../../../../core/config/check/check.ts";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { judgeEvent } from "../../../../core/privacy/risk/decisions.ts";
import { layoutOf, sketchParameters } from "../../../../core/privacy/risk/dimensions.ts";
import { EventSketches } from "../../../../core/privacy/risk/sketches.ts";
import { schemaBudget } from "../../../../core/schema/schema_budget.ts";
import { present } from "../../../support/base/present.ts";
import { numberBytes } from "../../../support/privacy/number_bytes.ts";
import { type SeededRandom, seededRandom } from "../../../support/base/seeded_random.ts";
import { accepted, draw, event, zipf } from "../../../support/privacy/monitored.ts";

const CLIENTS = 10_000;
const JUDGED_EVERY = 500;
const RUNS = 10;

/** Sizes of fields whose records are a crowd of `minCrowd` (20) clients and more each. */
const SHAPES = [[5, 10, 10], [20, 25], [2, 3, 4, 5, 4], [500], [8, 60]];

/** All verdicts on what the clients send, as they come, each twice. */
function verdictsOf(sizes: readonly number[], random: SeededRandom): { warned: number; judged: number } {
  const fields = Object.fromEntries(
    sizes.map((size, index) => [`f${index}`, { type: "integer" as const, min: 0, max: size - 1 }]),
  );
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } };
  const { applications } = checkConfig({
    issuer: "telemetry.example",
    applications: { app: { session, expectedClients: CLIENTS, events: { e: event(fields) } } },
  }, { development: true });
  const app = present(applications.get("app"));
  assert(schemaBudget(app.events, CLIENTS, app.minCrowd).every(({ withinLimit }) => withinLimit));
  const schema = present(app.events.e);
  const parameters = present(sketchParameters([schema]));
  const layout = present(layoutOf(schema, () => false, parameters));
  const domain = new ComparisonDomain(random.bytes(32), ["trial"]);
  const sketches = new EventSketches(layout, parameters, domain);
  const weights = sizes.map((size) => zipf(size, 0.7 + 0.8 * random.unit()));
  const found = { warned: 0, judged: 0 };
  for (let person = 0; person < CLIENTS; person++) {
    for (let sent = 0; sent < 2; sent++) {
      const values = Object.fromEntries(weights.map((each, index) => [`f${index}`, draw(random, each)]));
      sketches.add(accepted("e", values), domain.hashPseudonym(numberBytes(person)));
    }
    if ((person + 1) % JUDGED_EVERY > 0) continue;
    const judged = { app, event: "e", layout, sketches: sketches.sketches, pseudonyms: sketches.pseudonyms };
    for (const { verdict } of judgeEvent(judged)) {
      if (verdict === "warn" || verdict === "stop") found.warned++;
      if (verdict !== "waiting") found.judged++;
    }
  }
  return found;
}

Deno.test("of schemas within their budget nobody is warned, however long the tail of their values", () => {
  const random = seededRandom(9);
  const runs = Array.from(
    { length: RUNS },
    (_, run) => verdictsOf(present(SHAPES[run % SHAPES.length]), random),
  );
  assertEquals(runs.filter(({ warned }) => warned > 0).length, 0);
  for (const { judged } of runs) assert(judged > 0);
});
