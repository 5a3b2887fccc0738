import { assert, assertEquals } from "@std/assert";
import { judgeEvent } from "../../../../core/privacy/risk/decisions.ts";
import { readAlerts } from "../../../../core/privacy/risk/alerts.ts";
import {
  accepted,
  deploymentOf,
  event,
  NOW,
  pseudonym,
  withMonitor,
} from "../../../support/privacy/monitored.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";

const LEVEL = event({ level: { type: "integer", min: 0, max: 2_047 } }, { identifying: "planted" });
const DEPLOYMENT = deploymentOf({ slider: LEVEL }, { expectedClients: 2_000 });
/** Two devices of one account. */
const ACCOUNT = [1_000_001, 1_000_002].map(pseudonym);

Deno.test("an account that says as many values as the others have, under two pseudonyms, hides nobody's", async () => {
  await withMonitor(DEPLOYMENT, async ({ open, store }) => {
    const monitor = await open();
    const random = seededRandom(4);
    for (const device of ACCOUNT) {
      const said = Array.from({ length: 500 }, (_, value) => accepted("slider", { level: value }));
      monitor.observe("app", device, said, NOW);
    }
    for (let person = 0; person < 460; person++) {
      monitor.observe(
        "app",
        pseudonym(person),
        [accepted("slider", { level: random.uint32() % 2_048 })],
        NOW,
      );
    }
    await monitor.merge(NOW);
    assertEquals([...monitor.suppressionsOf("app").fields], ["slider.level"]);
    const [alert] = await readAlerts(store, "app");
    assertEquals([alert!.kind, alert!.suppressed], ["stop", "level"]);
  });
});

Deno.test("an account that says every value, alone or under two pseudonyms, has nothing stopped that others share", async () => {
  for (const devices of [ACCOUNT.slice(1), ACCOUNT]) {
    await withMonitor(DEPLOYMENT, async ({ open }) => {
      const monitor = await open();
      for (const device of devices) {
        const said = Array.from({ length: 2_048 }, (_, value) => accepted("slider", { level: value }));
        monitor.observe("app", device, said, NOW);
      }
      for (let person = 0; person < 460; person++) {
        monitor.observe("app", pseudonym(person), [accepted("slider", { level: person % 5 })], NOW);
      }
      assertEquals((await monitor.merge(NOW)).alerts, []);
      const [measured] = await monitor.measure("app", NOW);
      const [field] = judgeEvent(measured!);
      assert(field!.figures.share > 0.99);
      assertEquals(field!.verdict, "passed");
    });
  }
});
