import { assert, assertEquals } from "@std/assert";
import { fromBase64url } from "../../../../core/base/bytes.ts";
import type { Deployment } from "../../../../core/config/types.ts";
import { readAlerts } from "../../../../core/privacy/risk/alerts.ts";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";
import { decide, type JudgedEvent } from "../../../../core/privacy/risk/decisions.ts";
import { layoutOf, sketchParameters } from "../../../../core/privacy/risk/dimensions.ts";
import { RiskMonitor } from "../../../../core/privacy/risk/monitor.ts";
import { EventSketches } from "../../../../core/privacy/risk/sketches.ts";
import { readRisks, type RiskRow } from "../../../../core/privacy/risk/suppressions.ts";
import { Sealer } from "../../../../core/keys/sealing.ts";
import { DECISIONS } from "../../../../core/privacy/risk/families.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import type { EventSchema, RiskAction, RiskThresholds } from "../../../../core/schema/event.ts";
import { type CommitFault, faultyKv } from "../../../support/store/faulty_kv.ts";
import {
  accepted,
  deploymentOf,
  event,
  NOW,
  pseudonym,
  withMonitor,
} from "../../../support/privacy/monitored.ts";

const WEEK = 604_800;
const WIDE = { type: "integer" as const, min: 0, max: 65_535 };
const FEW: RiskThresholds = { minPseudonyms: 100 };

/** Three fields: `level` of the many values, `step` of some, `on` of two. */
function leaky(risk: EventSchema["risk"] = {}): EventSchema {
  return event({ level: WIDE, step: { type: "integer", min: 0, max: 99 }, on: { type: "boolean" } }, {
    risk,
  });
}

/** 200 people, each with a level of their own. */
function leak(monitor: RiskMonitor, at = NOW, from = 0): void {
  for (let person = from; person < from + 200; person++) {
    const fields = { level: person * 7, step: person % 5, on: person % 2 === 0 };
    monitor.observe("app", pseudonym(person), [accepted("e", fields)], at);
  }
}

/** 200 people who all look alike. */
function crowd(monitor: RiskMonitor, at = NOW, from = 0): void {
  for (let person = from; person < from + 200; person++) {
    monitor.observe("app", pseudonym(person), [accepted("e", { level: 1, step: 1, on: true })], at);
  }
}

Deno.test("decide() holds a leaking field against itself, and not against every combination with it", async () => {
  const deployment = deploymentOf({ e: leaky() }, { risk: FEW });
  await withMonitor(deployment, async ({ open }) => {
    const monitor = await open();
    leak(monitor);
    const { alerts } = await monitor.merge(NOW);
    assertEquals(alerts.map(({ kind, fields, action }) => [kind, fields, action]), [
      ["stop", ["level"], "suppress-field"],
    ]);
    // Without it the rest goes on, and is measured from its beginning.
    assertEquals(monitor.layoutOf("app", "e")!.fields, ["step", "on"]);
    leak(monitor);
    assertEquals((await monitor.merge(NOW)).alerts, []);
  });
});

Deno.test("decide() warns once a period and stops nothing where the action is to warn", async () => {
  const deployment = deploymentOf({ e: leaky({ fields: { level: { action: "warn" } } }) }, { risk: FEW });
  await withMonitor(deployment, async ({ open, store }) => {
    const monitor = await open();
    for (let round = 0; round < 3; round++) {
      leak(monitor, NOW, 200 * round);
      await monitor.merge(NOW);
    }
    leak(monitor, NOW + WEEK);
    await monitor.merge(NOW + WEEK);
    assertEquals((await readAlerts(store, "app")).map(({ kind, fields, action }) => [kind, fields, action]), [
      ["stop", ["level"], "warn"],
      ["stop", ["level"], "warn"],
    ]);
    assertEquals(monitor.suppressionsOf("app"), { events: new Set(), fields: new Set() });
  });
});

Deno.test("decide() suppresses of a combination the field with the most values, and then the next", async () => {
  // No field alone is rare; two together are.
  const words = (count: number) => ({
    type: "enum" as const,
    values: Array.from({ length: count }, (_, index) => `v${index}`),
  });
  const schema = event({ a: words(30), b: words(20), c: words(2) }, { risk: { action: "suppress-field" } });
  const deployment = deploymentOf({ e: schema }, { risk: FEW });
  await withMonitor(deployment, async ({ open }) => {
    const monitor = await open();
    const observe = () => {
      for (let person = 0; person < 400; person++) {
        const fields: Record<string, string> = {
          a: `v${person % 30}`,
          b: `v${Math.floor(person / 30) % 20}`,
          c: `v${person % 2}`,
        };
        for (const field of Object.keys(fields)) {
          if (monitor.suppressionsOf("app").fields.has(`e.${field}`)) delete fields[field];
        }
        monitor.observe("app", pseudonym(person), [accepted("e", fields)], NOW);
      }
      return monitor.merge(NOW);
    };
    assertEquals((await observe()).alerts.map(({ fields, suppressed }) => [fields, suppressed]), [
      [["a", "b"], "a"],
    ]);
    assertEquals((await observe()).alerts, []);
    assertEquals([...monitor.suppressionsOf("app").fields], ["e.a"]);
  });
});

Deno.test("decide() withholds a quarantined event until all of it has passed", async () => {
  const deployment = deploymentOf({ e: leaky({ action: "quarantine" }), other: leaky() }, { risk: FEW });
  await withMonitor(deployment, async ({ open }) => {
    const monitor = await open();
    assertEquals([...monitor.withheldOf("app")], ["e"]);
    for (let person = 0; person < 60; person++) {
      monitor.observe("app", pseudonym(person), [accepted("e", { level: 1, step: 1, on: true })], NOW);
    }
    await monitor.merge(NOW);
    assertEquals([...monitor.withheldOf("app")], ["e"]);
    crowd(monitor);
    assertEquals((await monitor.merge(NOW)).alerts.map(({ kind }) => kind), ["passed"]);
    assertEquals([...monitor.withheldOf("app")], []);
    assertEquals([...(await open()).withheldOf("app")], []);
    // It is collected on all the while, and withheld again as soon as it leaks.
    leak(monitor, NOW, 1_000);
    leak(monitor, NOW, 2_000);
    assertEquals((await monitor.merge(NOW)).alerts.map(({ kind, action }) => [kind, action]), [
      ["stop", "quarantine"],
    ]);
    assertEquals([...monitor.withheldOf("app")], ["e"]);
    assertEquals(monitor.suppressionsOf("app"), { events: new Set(), fields: new Set() });
    // A later period in which nothing leaks lets it out.
    crowd(monitor, NOW + WEEK);
    assertEquals((await monitor.merge(NOW + WEEK)).alerts.map(({ kind }) => kind), ["passed"]);
    assertEquals([...monitor.withheldOf("app")], []);
  });
});

Deno.test("decide() wants a quarantined event with a new field to pass anew", async () => {
  const before = deploymentOf({ e: event({ on: { type: "boolean" } }, { risk: { action: "quarantine" } }) }, {
    risk: FEW,
  });
  await withMonitor(before, async ({ open }) => {
    const monitor = await open();
    crowd(monitor);
    await monitor.merge(NOW);
    assertEquals([...monitor.withheldOf("app")], []);
    const changed = await open(deploymentOf({ e: leaky({ action: "quarantine" }) }, { risk: FEW }));
    assertEquals([...changed.withheldOf("app")], ["e"]);
  });
});

Deno.test("decide() stops what people were only told of, as soon as the configuration asks for it", async () => {
  const telling = deploymentOf({ e: leaky({ action: "warn" }) }, { risk: FEW });
  await withMonitor(telling, async ({ open, store }) => {
    const before = await open();
    leak(before);
    await before.merge(NOW);
    assertEquals(before.suppressionsOf("app").events.size, 0);
    for (const action of ["stop-event", "warn", "stop-event"] as const) {
      const after = await open(deploymentOf({ e: leaky({ action }) }, { risk: FEW }));
      leak(after, NOW, 500);
      await after.merge(NOW + 60);
      assertEquals([...after.suppressionsOf("app").events], ["e"], action);
    }
    assertEquals((await readAlerts(store, "app")).map(({ kind, action }) => [kind, action]), [
      ["stop", "stop-event"],
      ["stop", "warn"],
    ]);
  });
});

/** What was measured of 200 people, each with a level of their own or all alike. */
function measured(deployment: Deployment, isLeaking: boolean): JudgedEvent {
  const app = deployment.applications.get("app")!;
  const parameters = sketchParameters(Object.values(app.events))!;
  const layout = layoutOf(app.events.e!, () => false, parameters)!;
  const domain = new ComparisonDomain(new Uint8Array(32), ["test"]);
  const sketches = new EventSketches(layout, parameters, domain);
  for (let person = 0; person < 200; person++) {
    const fields = { level: isLeaking ? person * 7 : 1, step: 1, on: true };
    sketches.add(accepted("e", fields), domain.hashPseudonym(fromBase64url(pseudonym(person))));
  }
  return { app, event: "e", layout, sketches: sketches.sketches, pseudonyms: sketches.pseudonyms };
}

Deno.test("decide() takes back no decision that another process or a person made meanwhile", async () => {
  const until = (Math.floor(NOW / WEEK) + 1) * WEEK;
  const beside: [Partial<RiskRow>, RiskAction, boolean][] = [
    // A person has lifted the stop that this process has just come to.
    [{ state: "lifted", until }, "stop-event", true],
    // Another process has seen more of the event than this one, to which it looks harmless.
    [{ state: "quarantined" }, "quarantine", false],
    // A field of the event has its event stopped, where the others would withhold it.
    [{ state: "stopped" }, "quarantine", true],
  ];
  for (const [row, action, isLeaking] of beside) {
    const deployment = deploymentOf({ e: leaky({ action }) }, { risk: FEW });
    await withMonitor(deployment, async ({ store, random }) => {
      const judged = measured(deployment, isLeaking);
      const key = DECISIONS.key("app", "e", "");
      const stale = await readRisks(store, deployment.applications.get("app")!);
      const made: RiskRow = { state: "passed", since: NOW, until: 0, layout: judged.layout.id, ...row };
      await store.commit((operation) => operation.set(key, made));
      const context = {
        period: Math.floor(NOW / WEEK),
        periodEnd: until,
        hasWebhook: false,
        nowSeconds: NOW,
      };
      assertEquals(await decide(store, judged, { ...context, random: random.bytes, risks: stale }), []);
      assertEquals((await store.get<RiskRow>(key)).value, made);
      assertEquals(await readAlerts(store, "app"), []);
    });
  }
});

Deno.test("lift() takes a stop back for the rest of the period, for every process and with its reason", async () => {
  const deployment = deploymentOf({ e: leaky({ action: "stop-event" }) }, { risk: FEW });
  const app = deployment.applications.get("app")!;
  await withMonitor(deployment, async ({ open, store }) => {
    const monitor = await open(), other = await open();
    leak(monitor);
    await monitor.merge(NOW);
    await other.refresh();
    assertEquals([...other.suppressionsOf("app").events], ["e"]);
    const lifting = { app, event: "e", field: undefined, reason: "looked at, harmless" };
    assertEquals(await other.lift({ ...lifting, field: "step" }, NOW), false);
    assertEquals(await other.lift(lifting, NOW + 10), true);
    // Repeated, since its answer was lost, it holds and changes nothing; with other words there is nothing to lift.
    const alerts = () => readAlerts(store, "app");
    const before = await alerts();
    assertEquals(await other.lift(lifting, NOW + 20), true);
    assertEquals(await alerts(), before);
    assertEquals(await other.lift({ ...lifting, reason: "once more" }, NOW + 20), false);
    assertEquals(other.suppressionsOf("app").events.size, 0);
    leak(monitor, NOW + 30, 500);
    assertEquals((await monitor.merge(NOW + 30)).alerts, []);
    assertEquals(monitor.suppressionsOf("app").events.size, 0);
    const [newest] = await readAlerts(store, "app");
    assertEquals([newest!.kind, newest!.reason], ["lifted", "looked at, harmless"]);
    leak(monitor, NOW + WEEK);
    assertEquals((await monitor.merge(NOW + WEEK)).alerts.map(({ kind }) => kind), ["stop"]);
    assertEquals([...monitor.suppressionsOf("app").events], ["e"]);
  });
});

Deno.test("lift() lets a quarantined event out before it has passed", async () => {
  const deployment = deploymentOf({ e: leaky({ action: "quarantine" }) }, { risk: FEW });
  await withMonitor(deployment, async ({ open }) => {
    const monitor = await open();
    const app = deployment.applications.get("app")!;
    assertEquals(await monitor.lift({ app, event: "e", field: undefined, reason: "reviewed" }, NOW), true);
    assertEquals([...monitor.withheldOf("app")], []);
  });
});

Deno.test("decide() enters a decision and its alert together or not at all", async () => {
  const deployment = deploymentOf({ e: leaky() }, { risk: FEW });
  /** Merges a leak with a fault at one commit, then once more without; gives the commits of the first merge. */
  const run = async (strikes: number, fault: CommitFault): Promise<number> => {
    const faulty = faultyKv(await Deno.openKv(":memory:"));
    let commits = 0;
    await withMonitor(deployment, async ({ open, store }) => {
      const monitor = await open();
      leak(monitor);
      const first = faulty.counts.commits;
      faulty.fault = (commit) => commit === first + strikes ? fault : "none";
      await monitor.merge(NOW).catch(() => {});
      commits = faulty.counts.commits - first;
      faulty.fault = () => "none";
      await monitor.merge(NOW);
      await monitor.refresh();
      const alerts = await readAlerts(store, "app");
      assertEquals(alerts.map(({ kind, suppressed }) => [kind, suppressed]), [["stop", "level"]], fault);
      assertEquals([...monitor.suppressionsOf("app").fields], ["e.level"], fault);
    }, faulty.kv);
    return commits;
  };
  // The last commit of a merge is the decision.
  const decision = await run(Infinity, "none") - 1;
  for (const fault of ["throw", "land and throw", "land and say no", "say no"] as CommitFault[]) {
    await run(decision, fault);
  }
});

Deno.test("RiskMonitor may end at any commit of a merge: the next process finds stop and alert, or makes both", async () => {
  const deployment = deploymentOf({ e: leaky() }, { risk: FEW });
  for (let crash = 0, isDone = false; !isDone; crash++) {
    const kv = await Deno.openKv(":memory:");
    const faulty = faultyKv(kv);
    await withMonitor(deployment, async ({ open, random }) => {
      const sealer = await Sealer.of([new Uint8Array(32)], random.bytes);
      await open();
      faulty.fault = (commit) => commit >= crash ? "throw" : "none";
      const crashing = new RiskMonitor({
        deployment,
        store: storeOver(faulty.kv),
        sealer,
        random: random.bytes,
      });
      await crashing.open();
      leak(crashing);
      isDone = await crashing.merge(NOW).then(() => true, () => false);
      const next = await open();
      const alerts = await readAlerts(storeOver(kv), "app");
      assertEquals(alerts.length, next.suppressionsOf("app").fields.size);
      leak(next);
      await next.merge(NOW);
      assertEquals([...next.suppressionsOf("app").fields], ["e.level"]);
      assertEquals((await readAlerts(storeOver(kv), "app")).length, 1);
    }, kv);
    assert(!isDone || crash > 8);
  }
});
