import { assert, assertEquals, assertLess } from "@std/assert";
import { alertText, readAlerts } from "../../../../core/privacy/risk/alerts.ts";
import { readRiskDays } from "../../../../core/privacy/risk/history.ts";
import type { RiskMonitor } from "../../../../core/privacy/risk/monitor.ts";
import { encodeRecord } from "../../../../core/schema/record.ts";
import type { EventSchema } from "../../../../core/schema/event.ts";
import type { ValidEvent } from "../../../../core/schema/validate.ts";
import {
  accepted,
  deploymentOf,
  draw,
  event,
  NOW,
  pseudonym,
  withMonitor,
  zipf,
} from "../../../support/privacy/monitored.ts";
import { type SeededRandom, seededRandom } from "../../../support/base/seeded_random.ts";

const BYTE = { type: "integer" as const, min: 0, max: 255 };
const KINDS = ["a", "b", "c", "d"];
const HOUR = 3_600;

interface Shape {
  readonly events: Record<string, EventSchema>;
  /** The logs of a person with an id of 32 bits. */
  readonly logs: (id: number) => ValidEvent[][];
}

/** The four shapes in which an id of 32 bits was sent that no event shows. */
const SHAPES: Record<string, Shape> = {
  "four pieces in one event": {
    events: { piece: event({ place: { type: "integer", min: 0, max: 3 }, part: BYTE }) },
    logs: (id) => [bytesOf(id).map((part, place) => accepted("piece", { place, part }))],
  },
  "four pieces in one event of four logs": {
    events: { piece: event({ place: { type: "integer", min: 0, max: 3 }, part: BYTE }) },
    logs: (id) => bytesOf(id).map((part, place) => [accepted("piece", { place, part })]),
  },
  "four kinds of event": {
    events: Object.fromEntries(KINDS.map((kind) => [kind, event({ part: BYTE })])),
    logs: (id) => [bytesOf(id).map((part, place) => accepted(KINDS[place]!, { part }))],
  },
  "hours": {
    events: { seen: event({}) },
    logs: (id) => [
      Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (id >>> bit & 1) === 1)
        .map((bit) => ({ name: "seen", at: NOW - bit * HOUR, fields: {} })),
    ],
  },
  "numbers of events in logs": {
    events: { seen: event({}) },
    logs: (id) =>
      Array.from(
        { length: 8 },
        (_, nibble) =>
          Array.from({ length: 1 + 16 * nibble + (id >>> (4 * nibble) & 15) }, () => accepted("seen", {})),
      ),
  },
};

function bytesOf(id: number): number[] {
  return [id & 255, id >>> 8 & 255, id >>> 16 & 255, id >>> 24];
}

/** Observes people one after the other and merges after every `every` of them; gives after how many the first alert came. */
async function peopleUntilAlert(
  monitor: RiskMonitor,
  logsOf: (person: number) => ValidEvent[][],
  { most, every = 250 }: { readonly most: number; readonly every?: number },
): Promise<number | undefined> {
  for (let person = 0; person < most; person++) {
    for (const log of logsOf(person)) monitor.observe("app", pseudonym(person), log, NOW);
    if (person % every !== every - 1) continue;
    if ((await monitor.merge(NOW)).alerts.length > 0) return person + 1;
  }
  return undefined;
}

function idsOf(seed: number): (person: number) => number {
  const random = seededRandom(seed);
  const ids: number[] = [];
  return (person) => ids[person] ??= random.uint32();
}

for (const [name, { events, logs }] of Object.entries(SHAPES)) {
  Deno.test(`an id in ${name} is told of within 2,250 clients of 10,000`, async () => {
    await withMonitor(deploymentOf(events), async ({ open, store }) => {
      const monitor = await open();
      const idOf = idsOf(3);
      const people = await peopleUntilAlert(monitor, (person) => logs(idOf(person)), { most: 2_500 });
      assertEquals(people, 2_250);
      const [alert, ...others] = await readAlerts(store, "app");
      assertEquals(others, []);
      assertEquals([alert!.kind, alert!.event, alert!.fields, alert!.action], ["stop", "ALL", [], "warn"]);
      assertEquals(alert!.figures!.exposed, 1);
      assert(alertText(alert!).includes("sent in pieces"));
      assert(alertText(alert!).includes("the mere amount and the hours of what lively clients send"));
      assertEquals(monitor.suppressionsOf("app").events.size, 0);
      const [day] = (await readRiskDays(store, "app", 0, 1e6)).filter(({ event }) => event === "ALL");
      assertEquals(day!.dimensions.map(({ verdict, figures }) => [verdict, figures.pseudonyms]), [
        ["stop", 2_250],
      ]);
    });
  });
}

Deno.test("the order in which a client sent its events is in no record", () => {
  const events = KINDS.map((name) => accepted(name, {}));
  const orders = [events, [...events].reverse(), [events[2]!, events[0]!, events[3]!, events[1]!]];
  assertEquals(new Set(orders.map((order) => encodeRecord(pseudonym(1), order).toHex())).size, 1);
});

Deno.test("stop-event stops all events, for as long as nobody lifts it", async () => {
  const { events, logs } = SHAPES["four kinds of event"]!;
  const deployment = deploymentOf(events, { risk: { total: { action: "stop-event" } } });
  await withMonitor(deployment, async ({ open }) => {
    const monitor = await open(), other = await open();
    const idOf = idsOf(3);
    await peopleUntilAlert(monitor, (person) => logs(idOf(person)), { most: 2_500 });
    await other.refresh();
    for (
      const { suppressions } of [monitor, other].map((one) => ({ suppressions: one.suppressionsOf("app") }))
    ) {
      assertEquals([...suppressions.events], KINDS);
    }
    const app = deployment.applications.get("app")!;
    const lifting = { app, event: "ALL", field: undefined, reason: "a test of the client" };
    assertEquals(await other.lift(lifting, NOW), true);
    await monitor.refresh();
    assertEquals(monitor.suppressionsOf("app").events.size, 0);
    // It is lifted for this period, whatever comes.
    assertEquals(
      await peopleUntilAlert(monitor, (person) => logs(idOf(person + 1e6)), { most: 2_500 }),
      undefined,
    );
    assertEquals(monitor.suppressionsOf("app").events.size, 0);
  });
});

Deno.test("processes that see a part of what each client says find what the clients say in total", async () => {
  const { events, logs } = SHAPES["four pieces in one event of four logs"]!;
  await withMonitor(deploymentOf(events), async ({ open }) => {
    const monitors = [await open(), await open(), await open()];
    const idOf = idsOf(5);
    // Everybody says one of ten things, each a part of it to another process.
    const tenth = (person: number) => logs(idOf(person % 10));
    const observe = (logsOf: (person: number) => ValidEvent[][], from: number) => {
      for (let person = from; person < from + 2_000; person++) {
        for (const [place, log] of logsOf(person).entries()) {
          monitors[(person + place) % 3]!.observe("app", pseudonym(person), log, NOW);
        }
      }
      return Promise.all(monitors.map((monitor) => monitor.merge(NOW)));
    };
    await observe(tenth, 0);
    const crowded = (await monitors[0]!.measureTotals("app", NOW))!;
    assertEquals([crowded.figures.pseudonyms, crowded.figures.values, crowded.figures.exposed], [
      2_000,
      10,
      0,
    ]);
    await observe((person) => logs(idOf(person)), 10_000);
    const mixed = (await monitors[0]!.measureTotals("app", NOW))!;
    assertEquals([mixed.figures.pseudonyms, mixed.figures.values, mixed.figures.exposed], [
      4_000,
      2_010,
      0.5,
    ]);
  });
});

Deno.test("one account's pseudonyms cause nothing, however few the others are", async () => {
  const { events, logs } = SHAPES["four kinds of event"]!;
  const deployment = deploymentOf(events, { tokensPerClient: 2, risk: { total: { minPseudonyms: 20 } } });
  await withMonitor(deployment, async ({ open }) => {
    const monitor = await open();
    const idOf = idsOf(3);
    // Fourteen pseudonyms of one account, each with a total of its own, and ten people who say the same.
    const logsOf = (person: number) => logs(person < 14 ? idOf(person) : 7);
    assertEquals(await peopleUntilAlert(monitor, logsOf, { most: 24, every: 24 }), undefined);
    const { figures, verdict } = (await monitor.measureTotals("app", NOW))!;
    assertEquals([figures.pseudonyms, figures.rare, figures.exposedLeast, verdict], [24, 14, 0, "passed"]);
  });
});

Deno.test("totals of a schema within its budget cause no alert", async () => {
  const deployment = deploymentOf({
    opened: event({
      platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
      version: { type: "version", majors: [1, 4], minors: 30 },
    }),
  });
  const people = (random: SeededRandom) => () => [[
    accepted("opened", {
      platform: ["linux", "darwin", "windows", "other"][draw(random, [11, 18, 70, 1])]!,
      version: `4.${30 - draw(random, zipf(31))}`,
    }),
  ]];
  await withMonitor(deployment, async ({ open, random }) => {
    const monitor = await open();
    assertEquals(await peopleUntilAlert(monitor, people(random), { most: 10_000, every: 1_000 }), undefined);
    assertLess((await monitor.measureTotals("app", NOW))!.figures.exposed, 0.01);
  });
});
