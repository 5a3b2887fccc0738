import { assertEquals } from "@std/assert";
import { dayOf } from "../../../../core/base/time.ts";
import type { Deployment } from "../../../../core/config/types.ts";
import { AuditLog } from "../../../../core/operations/audit_log.ts";
import { toNumber } from "../../../../core/privacy/dp/rational.ts";
import { readBudget } from "../../../../core/privacy/release/budget.ts";
import { foreseeDay } from "../../../../core/privacy/release/foresee.ts";
import { type Outcome, releaseDay } from "../../../../core/privacy/release/release.ts";
import type { RiskMonitor } from "../../../../core/privacy/risk/monitor.ts";
import {
  accepted,
  deploymentOf,
  event,
  NOW,
  pseudonym,
  withMonitor,
} from "../../../support/privacy/monitored.ts";

const SECONDS = 86_400;
/** A day in the middle of the pseudonym's week. */
const DAY = Math.floor(dayOf(NOW) / 7) * 7 + 3;
const LAST = DAY + 3;
const NOON = DAY * SECONDS + SECONDS / 2;
const FIELDS = {
  level: { type: "integer" as const, min: 0, max: 65_535 },
  on: { type: "boolean" as const },
};

function deployment(action: "suppress-field" | "stop-event", more: { expires?: string } = {}): Deployment {
  return deploymentOf({
    start: event(FIELDS, { risk: { minPseudonyms: 100, action }, ...more }),
    crash: event(FIELDS),
  }, {
    releases: {
      budget: { epsilon: 100 },
      queries: {
        rate: { event: "crash", among: "start", by: ["level"], epsilon: 1 },
        rate_of_all: { event: "crash", among: "start", epsilon: 1 },
        reverse: { event: "start", among: "crash", by: ["on", "level"], epsilon: 1 },
        by_level: { event: "start", by: ["level"], epsilon: 1 },
        by_on: { event: "start", by: ["on"], epsilon: 1 },
        crashes: { event: "crash", by: ["level"], epsilon: 1 },
        weekly: { event: "start", by: ["level"], over: "period", epsilon: 1 },
        weekly_rate: { event: "crash", among: "start", by: ["level"], over: "period", epsilon: 1 },
        weekly_people: { event: "start", over: "period", epsilon: 1 },
      },
    },
  });
}

/** 200 people with a level of their own each. */
async function leak(monitor: RiskMonitor, nowSeconds: number): Promise<void> {
  for (let person = 0; person < 200; person++) {
    monitor.observe(
      "app",
      pseudonym(person),
      [accepted("start", { level: person * 7, on: true })],
      nowSeconds,
    );
  }
  await monitor.merge(nowSeconds);
}

interface Asked {
  /** What became of the questions of a day, by what became of them, and what it cost. */
  ask(day: number, early?: boolean): Promise<[withheld: string[], answered: string[], cost: number]>;
  readonly monitor: RiskMonitor;
}

async function withAsked(deployed: Deployment, run: (asked: Asked) => Promise<void>): Promise<void> {
  await withMonitor(deployed, async ({ open, store, random }) => {
    const monitor = await open();
    const app = deployed.applications.get("app")!;
    const auditLog = new AuditLog(store, { random: random.bytes, now: () => NOON });
    const withheldWithin = monitor.withheldWithin.bind(monitor);
    const context = { store, random: random.bytes, withheldWithin, auditLog, version: "0.0.0" };
    const spent = async () => toNumber((await readBudget(store, app, DAY)).spent.amount);
    await run({
      monitor,
      async ask(day, early = false) {
        const options = { day, nowSeconds: early ? NOON + 3_600 : (day + 1) * SECONDS + 4_800, early };
        const { questions } = await foreseeDay(context, app, options);
        const before = await spent();
        const outcomes = await releaseDay(context, app, options);
        const named = (states: Record<string, unknown>, ...of: (Outcome | "to answer")[]) =>
          Object.keys(states).filter((query) => of.includes(states[query] as Outcome));
        const withheld = named(outcomes, "withheld");
        const foreseen = Object.entries(questions).map(([query, { state }]) => [query, state]);
        assertEquals(named(Object.fromEntries(foreseen), "withheld"), withheld);
        return [withheld, named(outcomes, "published"), await spent() - before];
      },
    });
  });
}

const OF_LEVEL = ["rate", "reverse", "by_level"];
const OTHERS = ["rate_of_all", "by_on", "crashes"];

Deno.test("a question by a field that was stopped in one of its events on the day is withheld before it is paid", () =>
  withAsked(deployment("suppress-field"), async ({ monitor, ask }) => {
    await leak(monitor, NOON);
    assertEquals([...monitor.suppressionsOf("app").fields], ["start.level"]);
    // The day before it has everybody's level, that of the stop not.
    assertEquals(await ask(DAY - 1), [
      [],
      ["rate", "rate_of_all", "reverse", "by_level", "by_on", "crashes"],
      6,
    ]);
    assertEquals(await ask(DAY, true), [OF_LEVEL, OTHERS, 3]);
    assertEquals(await ask(DAY + 1), [OF_LEVEL, OTHERS, 3]);
  }));

Deno.test("a field that was lifted within a day is withheld on it and in its period, and not on the day after", () =>
  withAsked(deployment("suppress-field"), async ({ monitor, ask }) => {
    await leak(monitor, NOON);
    const app = deployment("suppress-field").applications.get("app")!;
    const lifting = { app, event: "start", field: "level", reason: "looked at" };
    assertEquals(await monitor.lift(lifting, NOON + 3_600), true);
    assertEquals(monitor.suppressionsOf("app").fields.size, 0);
    assertEquals(await ask(DAY), [OF_LEVEL, OTHERS, 3]);
    assertEquals((await ask(DAY + 1))[0], []);
    assertEquals(await ask(LAST), [
      ["weekly", "weekly_rate"],
      ["rate", "rate_of_all", "reverse", "by_level", "by_on", "crashes", "weekly_people"],
      7,
    ]);
    // Nor is the day answered once the field was stopped anew in a later period, whose decision says nothing of it.
    await leak(monitor, NOON + 7 * SECONDS);
    assertEquals([...monitor.suppressionsOf("app").fields], ["start.level"]);
    assertEquals(await ask(DAY), [OF_LEVEL, [], 0]);
    assertEquals((await ask(DAY + 2))[0], []);
  }));

Deno.test("a question about an event that was stopped on the day is withheld, of a rate in either place", () =>
  withAsked(deployment("stop-event"), async ({ monitor, ask }) => {
    await leak(monitor, NOON);
    assertEquals([...monitor.suppressionsOf("app").events], ["start"]);
    assertEquals(await ask(DAY), [["rate", "rate_of_all", "reverse", "by_level", "by_on"], ["crashes"], 1]);
  }));

Deno.test("a rate of which one event has expired is withheld", () => {
  const expires = new Date((DAY - 1) * SECONDS * 1000).toISOString().slice(0, 10);
  return withAsked(deployment("suppress-field", { expires }), async ({ ask }) => {
    assertEquals((await ask(DAY - 1))[0], []);
    assertEquals((await ask(DAY))[0], ["rate", "rate_of_all", "reverse"]);
  });
});
