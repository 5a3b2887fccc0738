import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { judgeEvent } from "../../../../core/privacy/risk/decisions.ts";
import {
  readRiskDays,
  RISK_HISTORY_DAYS,
  type RiskDay,
  sweepRiskDays,
} from "../../../../core/privacy/risk/history.ts";
import {
  accepted,
  deploymentOf,
  event,
  NOW,
  pseudonym,
  withMonitor,
} from "../../../support/privacy/monitored.ts";

const DAY = 86_400;
const TODAY = Math.floor(NOW / DAY);
const FIELDS = {
  level: { type: "integer", min: 0, max: 65_535 },
  platform: { type: "enum", values: ["web", "phone"] },
  muted: { type: "boolean" },
} as const;

/** What was measured of events; what pseudonyms say in total is measured beside it. */
async function eventDays(...query: Parameters<typeof readRiskDays>): Promise<RiskDay[]> {
  return (await readRiskDays(...query)).filter(({ event }) => event !== "ALL");
}

Deno.test("a merge enters what was measured of the day, and a later one of the same day replaces it", async () => {
  const deployment = deploymentOf({ moved: event(FIELDS), opened: event({}) });
  await withMonitor(deployment, async ({ store, random, open }) => {
    const monitor = await open();
    const observe = (from: number, to: number, now: number) => {
      for (let person = from; person < to; person++) {
        const fields = {
          level: Math.floor(random.unit() * 65_536),
          platform: "web",
          muted: person % 2 === 0,
        };
        monitor.observe("app", pseudonym(person), [accepted("moved", fields), accepted("opened", {})], now);
      }
    };
    assertEquals(await eventDays(store, "app", 0, TODAY + 10), []);
    observe(0, 300, NOW);
    await monitor.merge(NOW);
    observe(300, 700, NOW + 60);
    await monitor.merge(NOW + 60);
    const [day, ...others] = await eventDays(store, "app", TODAY, TODAY);
    assertEquals(others, [], "an event without fields is not measured");
    assertEquals([day!.event, day!.day, day!.at], ["moved", TODAY, NOW + 60]);
    // The very figures that the monitor judges.
    const [measured] = await monitor.measure("app", NOW + 60);
    assertEquals(
      day!.dimensions,
      judgeEvent(measured!).map(({ dimension, verdict, figures, thresholds }) => ({
        fields: dimension.fields,
        verdict,
        figures,
        minPseudonyms: thresholds.minPseudonyms,
      })),
    );
    assertEquals(day!.dimensions.map(({ fields }) => fields.join("+")), [
      "level",
      "platform",
      "muted",
      "level+platform",
      "level+muted",
      "platform+muted",
      "level+platform+muted",
    ]);
    assertAlmostEquals(day!.dimensions[0]!.figures.pseudonyms, 700, 70);
  });
});

Deno.test("a day is kept as it ended, and a field that is stopped leaves those that follow", async () => {
  await withMonitor(deploymentOf({ moved: event(FIELDS) }), async ({ store, random, open }) => {
    const monitor = await open();
    for (const day of [0, 1]) {
      for (let person = 0; person < 4_000; person++) {
        const fields = {
          ...(monitor.suppressionsOf("app").fields.has("moved.level")
            ? {}
            : { level: Math.floor(random.unit() * 65_536) }),
          platform: "web",
          muted: true,
        };
        monitor.observe("app", pseudonym(person), [accepted("moved", fields)], NOW + day * DAY);
      }
      await monitor.merge(NOW + day * DAY);
    }
    const [first, second] = await eventDays(store, "app", TODAY, TODAY + 1);
    assertEquals(first!.dimensions.find(({ fields }) => fields.join() === "level")!.verdict, "stop");
    assert(second!.dimensions.every(({ fields }) => !fields.includes("level")));
    assertEquals((await eventDays(store, "app", TODAY + 1, TODAY + 1)).length, 1);
  });
});

Deno.test("enterRiskDay() fits the widest event of all into a row", async () => {
  const wide = Object.fromEntries(
    Array.from(
      { length: 32 },
      (_, index) => [`field_${index}_${"x".repeat(50)}`, { type: "boolean" } as const],
    ),
  );
  const deployment = deploymentOf({ wide: event(wide, { identifying: "a test" }) });
  await withMonitor(deployment, async ({ store, open }) => {
    const monitor = await open();
    const fields = Object.fromEntries(Object.keys(wide).map((name) => [name, true]));
    monitor.observe("app", pseudonym(1), [accepted("wide", fields)], NOW);
    await monitor.merge(NOW);
    const [day] = await eventDays(store, "app", TODAY, TODAY);
    assertEquals(day!.dimensions.length, 32 + 32 * 31 / 2 + 1);
    assertEquals(day!.dimensions.at(-1)!.fields.length, 32);
  });
});

Deno.test("sweepRiskDays() forgets what is over, and of the one application alone", async () => {
  await withMonitor(deploymentOf({ moved: event(FIELDS) }), async ({ store, open }) => {
    const monitor = await open();
    for (const day of [0, 1, 2]) {
      const fields = { level: 1, platform: "web", muted: true };
      monitor.observe("app", pseudonym(1), [accepted("moved", fields)], NOW + day * DAY);
      await monitor.merge(NOW + day * DAY);
    }
    const pace = { rowsPerCommit: 1, pause: () => Promise.resolve() };
    const later = NOW + (RISK_HISTORY_DAYS + 1) * DAY;
    assertEquals(await sweepRiskDays(store, "another", later + 9 * DAY, pace), 0);
    assertEquals(await sweepRiskDays(store, "app", later - DAY, pace), 0);
    assertEquals(await sweepRiskDays(store, "app", later, pace), 2);
    assertEquals((await eventDays(store, "app", 0, TODAY + 9)).map(({ day }) => day), [
      TODAY + 1,
      TODAY + 2,
    ]);
  });
});
