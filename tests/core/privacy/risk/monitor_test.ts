import { assert, assertEquals, assertLess } from "@std/assert";
import { readAlerts } from "../../../../core/privacy/risk/alerts.ts";
import { judgeEvent } from "../../../../core/privacy/risk/decisions.ts";
import type { RiskMonitor } from "../../../../core/privacy/risk/monitor.ts";
import { PEOPLE } from "../../../../core/privacy/risk/sketches.ts";
import { loadSketch } from "../../../../core/privacy/risk/sketch_store.ts";
import { MONITOR_SECRETS } from "../../../../core/keys/families.ts";
import { SKETCHES, TOTALS } from "../../../../core/privacy/risk/families.ts";
import { schemaBudget } from "../../../../core/schema/schema_budget.ts";
import {
  accepted,
  deploymentOf,
  draw,
  event,
  NOW,
  pseudonym,
  send,
  withMonitor,
  zipf,
} from "../../../support/privacy/monitored.ts";

const WEEK = 604_800;
const PACE = { rowsPerCommit: 250, pause: () => Promise.resolve() };
const PARAMETERS = { k: 2_048, registerCount: 1_024 };
const SLIDER = event({
  platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
  volume: { type: "integer", min: 0, max: 65_535 },
}, { identifying: "planted" });

/** Five rare-ish words each: alone harmless, together a fingerprint. */
const WORDS = Array.from({ length: 12 }, (_, index) => `w${index}`);
const FINGERPRINT = event(
  Object.fromEntries(
    ["font", "theme", "layout", "plugin", "locale"].map((name) => [name, { type: "enum", values: WORDS }]),
  ),
  { identifying: "planted" },
);

/** Within the budget that `deno task check` wants: 30,000 clients, 992 records. */
const HARMLESS = {
  log_upload: event({
    ok: { type: "boolean" },
    platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
    runtime: { type: "version", majors: [2, 2], minors: 30 },
    latency_ms: { type: "bucket", edges: [10, 100, 1000] },
  }),
};

async function verdicts(monitor: RiskMonitor): Promise<Record<string, string>> {
  const measured = await monitor.measure("app", NOW);
  return Object.fromEntries(
    measured.flatMap((measurement) =>
      judgeEvent(measurement).map(({ dimension, verdict }) => [
        `${measurement.event} ${dimension.name}`,
        verdict,
      ])
    ),
  );
}

Deno.test("RiskMonitor suppresses a slider of 16 bits within 2,250 events of 10,000 expected clients", async () => {
  const deployment = deploymentOf({ volume_changed: SLIDER });
  await withMonitor(deployment, async ({ open, random, store }) => {
    const monitor = await open();
    const { events, alerts } = await send(monitor, deployment, (number) => ({
      person: number,
      event: accepted("volume_changed", {
        platform: ["linux", "windows"][number % 2]!,
        volume: Math.floor(random.unit() * 65_536),
      }),
    }), { most: 10_000, every: 250, isOver: (alerts) => alerts.length > 0 });
    // A fifth of the expected clients is enough to judge; a merge later it is known.
    assertLess(events, 2_251);
    assertEquals(alerts.map(({ kind, fields, action, suppressed }) => [kind, fields, action, suppressed]), [
      ["stop", ["volume"], "suppress-field", "volume"],
    ]);
    assert(alerts[0]!.figures!.lowerBound > 0.9 && alerts[0]!.figures!.exposed > 0.9);
    assertEquals([...monitor.suppressionsOf("app").fields], ["volume_changed.volume"]);
    assertEquals(monitor.suppressionsOf("app").events.size, 0);
    assertEquals((await readAlerts(store, "app")).length, 1);
  });
});

Deno.test("RiskMonitor finds the slider of the 30 % who ever moved it", async () => {
  const deployment = deploymentOf({ volume_changed: SLIDER });
  await withMonitor(deployment, async ({ open, random }) => {
    const monitor = await open();
    const { alerts } = await send(monitor, deployment, (number) => ({
      person: number,
      event: accepted("volume_changed", {
        platform: "linux",
        volume: random.unit() < 0.3 ? Math.floor(random.unit() * 65_536) : 32_768,
      }),
    }), { most: 4_000, every: 500, isOver: (alerts) => alerts.some(({ kind }) => kind === "stop") });
    assertEquals(alerts.at(-1)!.suppressed, "volume");
  });
});

Deno.test("RiskMonitor stops a combination of rare words within 2,250 events, not its single fields", async () => {
  const deployment = deploymentOf({ look: FINGERPRINT });
  await withMonitor(deployment, async ({ open, random }) => {
    const monitor = await open();
    const weights = zipf(12, 0.7);
    const { events, alerts } = await send(monitor, deployment, (number) => ({
      person: number,
      event: accepted(
        "look",
        Object.fromEntries(
          Object.keys(FINGERPRINT.fields).map((name) => [name, WORDS[draw(random, weights)]!]),
        ),
      ),
    }), { most: 10_000, every: 250, isOver: (alerts) => alerts.some(({ kind }) => kind === "stop") });
    assertLess(events, 2_251);
    // Of a pair of words people may have been warned before, when fewer had sent it.
    const suppressions = alerts.filter(({ kind }) => kind === "stop");
    assertEquals(suppressions.map(({ fields, action }) => [fields.length, action]), [[5, "stop-event"]]);
    assert(alerts.every(({ kind, fields }) => kind === "stop" || fields.length === 2));
    assertEquals([...monitor.suppressionsOf("app").events], ["look"]);
    const found = await verdicts(monitor);
    for (const field of Object.keys(FINGERPRINT.fields)) assertEquals(found[`look ${field}`], "passed");
  });
});

Deno.test("RiskMonitor judges all of a harmless schema over 100,000 events without an alert", async () => {
  const deployment = deploymentOf(HARMLESS, { expectedClients: 30_000 });
  assertEquals(schemaBudget(HARMLESS, 30_000, 20).map(({ withinLimit }) => withinLimit), [true]);
  await withMonitor(deployment, async ({ open, random }) => {
    const monitor = await open();
    const platforms = ["windows", "darwin", "linux", "other"];
    const people = Array.from({ length: 30_000 }, () => ({
      platform: platforms[draw(random, [70, 18, 11, 1])]!,
      runtime: `2.${30 - draw(random, zipf(31, 1.5))}`,
    }));
    const { events, alerts } = await send(monitor, deployment, () => {
      const person = Math.floor(random.unit() * people.length);
      const fields = {
        ok: random.unit() > 0.02,
        ...people[person]!,
        latency_ms: draw(random, [20, 60, 18, 2]),
      };
      return { person, event: accepted("log_upload", fields) };
    }, { most: 100_000, every: 2_000 });
    assertEquals(events, 100_000);
    assertEquals(alerts, []);
    assertEquals(new Set(Object.values(await verdicts(monitor))), new Set(["passed"]));
  });
});

Deno.test("RiskMonitor measures what the processes saw together, whoever merges first", async () => {
  const deployment = deploymentOf({ volume_changed: SLIDER });
  await withMonitor(deployment, async ({ open, random, store }) => {
    const monitors = [await open(), await open(), await open()];
    for (let person = 0; person < 2_400; person++) {
      const fields = { platform: "linux", volume: Math.floor(random.unit() * 65_536) };
      monitors[person % 3]!.observe("app", pseudonym(person), [accepted("volume_changed", fields)], NOW);
    }
    // A stop changes what is measured, and may come in the middle of it.
    const layout = monitors[0]!.layoutOf("app", "volume_changed")!.id;
    // All at once, so that they race for the same rows.
    const reports = await Promise.all(monitors.map((monitor) => monitor.merge(NOW)));
    const name = { app: "app", period: Math.floor(NOW / WEEK), event: "volume_changed", layout };
    const people = await loadSketch(store, { ...name, dimension: "" }, PEOPLE);
    const pseudonyms = people.pseudonymsAt(0).cardinality();
    assert(Math.abs(pseudonyms - 2_400) < 120, `${pseudonyms}`);
    const values = (await loadSketch(store, { ...name, dimension: "volume" }, PARAMETERS)).cardinality();
    assert(Math.abs(values - 2_357) < 140, `${values}`);
    const alerts = reports.flatMap((report) => report.alerts);
    if (alerts.length === 0) {
      // The last to merge saw all of it, but nothing was judged after that: the next event does it.
      monitors[0]!.observe("app", pseudonym(0), [
        accepted("volume_changed", { platform: "linux", volume: 0 }),
      ], NOW);
      alerts.push(...(await monitors[0]!.merge(NOW)).alerts);
    }
    assertEquals(alerts.length, 1);
    assertEquals((await readAlerts(store, "app")).length, 1);
    for (const monitor of monitors) {
      await monitor.refresh();
      assertEquals([...monitor.suppressionsOf("app").fields], ["volume_changed.volume"]);
    }
  });
});

Deno.test("RiskMonitor loses no more than its last merge interval with a process", async () => {
  const deployment = deploymentOf({ volume_changed: SLIDER });
  await withMonitor(deployment, async ({ open }) => {
    const crashed = await open();
    for (let person = 0; person < 1_000; person++) {
      const fields = { platform: "linux", volume: person };
      crashed.observe("app", pseudonym(person), [accepted("volume_changed", fields)], NOW);
      if (person === 899) await crashed.merge(NOW);
    }
    // 100 were seen after the last merge and are gone with the process.
    const restarted = await open();
    assertEquals((await restarted.measure("app", NOW))[0]!.pseudonyms > 850, true);
    for (let person = 1_000; person < 2_200; person++) {
      const fields = { platform: "linux", volume: person };
      restarted.observe("app", pseudonym(person), [accepted("volume_changed", fields)], NOW);
    }
    const { alerts } = await restarted.merge(NOW);
    assertEquals(alerts.map(({ suppressed }) => suppressed), ["volume"]);
    assert(Math.abs(alerts[0]!.figures!.pseudonyms - 2_100) < 110);
  });
});

Deno.test("RiskMonitor begins anew with every pseudonym period and forgets the period before the last", async () => {
  const deployment = deploymentOf({ volume_changed: SLIDER }, { risk: { action: "warn" } });
  await withMonitor(deployment, async ({ open, store }) => {
    const monitor = await open();
    const sendWeek = (week: number) => {
      for (let person = 0; person < 100; person++) {
        const fields = { platform: "linux", volume: person };
        monitor.observe("app", pseudonym(person), [accepted("volume_changed", fields)], NOW + week * WEEK);
      }
    };
    sendWeek(0);
    // What was seen just before the turn is merged into the period that it belongs to.
    sendWeek(1);
    await monitor.merge(NOW + WEEK);
    for (const week of [0, 1]) {
      const [measured] = await monitor.measure("app", NOW + week * WEEK);
      assertEquals(measured!.pseudonyms > 90 && measured!.pseudonyms < 110, true);
    }
    const rows = async () => {
      const [sketches, totals] = [SKETCHES, TOTALS].map((family) =>
        Array.fromAsync(store.list(family.prefix("app")))
      );
      return (await sketches!).length + (await totals!).length;
    };
    const before = await rows();
    assertEquals(await monitor.maintain(NOW + WEEK, PACE), 0);
    assertEquals(await monitor.maintain(NOW + 2 * WEEK, PACE), before / 2);
    assertEquals(await rows(), before / 2);
    assertEquals((await monitor.measure("app", NOW))[0]!.pseudonyms, 0);
  });
});

Deno.test("RiskMonitor observes nothing of an application without a pseudonym", async () => {
  const deployment = deploymentOf({ volume_changed: SLIDER }, { pseudonymSeconds: false });
  await withMonitor(deployment, async ({ open, store }) => {
    const monitor = await open();
    monitor.observe("app", undefined, [accepted("volume_changed", { platform: "linux", volume: 1 })], NOW);
    assertEquals(await monitor.merge(NOW), { rows: 0, alerts: [] });
    assertEquals(await Array.fromAsync(store.list(SKETCHES.prefix("app"))), []);
    assertEquals(await monitor.measure("app", NOW), []);
  });
});

Deno.test("RiskMonitor leaves a field under local differential privacy alone", async () => {
  const fields = {
    ...SLIDER.fields,
    volume: { type: "integer" as const, min: 0, max: 65_535, localDp: { epsilon: 1 } },
  };
  const deployment = deploymentOf({ volume_changed: event(fields) });
  await withMonitor(deployment, async ({ open }) => {
    const monitor = await open();
    const { alerts } = await send(monitor, deployment, (person) => ({
      person,
      event: accepted("volume_changed", { platform: "linux", volume: person % 1_024 }),
    }), { most: 2_500, every: 500 });
    assertEquals(alerts, []);
    assertEquals(await verdicts(monitor), { "volume_changed platform": "passed" });
  });
});

Deno.test("RiskMonitor keeps a secret that no process without the sealing key can use", async () => {
  const deployment = deploymentOf({ volume_changed: SLIDER });
  await withMonitor(deployment, async ({ open, store }) => {
    await open();
    const first = (await store.get<Uint8Array>(MONITOR_SECRETS.key())).value!;
    await open();
    // The second process has opened the same secret and made none.
    assertEquals((await store.get<Uint8Array>(MONITOR_SECRETS.key())).value, first);
    assertEquals(first.length, 32 + 32);
  });
});
