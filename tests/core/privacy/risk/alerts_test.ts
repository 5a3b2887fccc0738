import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type AlertRow,
  alertText,
  deliverAlerts,
  readAlerts,
  sweepAlerts,
} from "../../../../core/privacy/risk/alerts.ts";
import { startMergeLoop } from "../../../../core/privacy/risk/merge_loop.ts";
import { ALERTS, SKETCHES } from "../../../../core/privacy/risk/families.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import type { Store } from "../../../../core/store/store.ts";
import {
  accepted,
  deploymentOf,
  event,
  NOW,
  pseudonym,
  withMonitor,
} from "../../../support/privacy/monitored.ts";
import { setRow } from "../../../support/store/rows.ts";
import { DEFAULT_PACE } from "../../../../core/store/sweep.ts";

const FIGURES = {
  pseudonyms: 2_100,
  values: 2_050,
  sampled: 2_048,
  rare: 2_040,
  share: 0.996,
  lowerBound: 0.9904,
  exposed: 0.97,
  exposedLeast: 0.94,
};

function alert(changes: Partial<AlertRow> = {}): AlertRow {
  return {
    id: "a",
    kind: "stop",
    app: "app",
    event: "volume_changed",
    fields: ["volume"],
    action: "suppress-field",
    suppressed: "volume",
    at: NOW,
    figures: FIGURES,
    delivery: { state: "pending", tries: 0, dueAt: NOW },
    ...changes,
  };
}

async function withStore(run: (store: Store) => Promise<void>): Promise<void> {
  const store = storeOver(await Deno.openKv(":memory:"));
  try {
    await run(store);
  } finally {
    store.close();
  }
}

Deno.test("alertText() says what follows from which figures, for every kind", () => {
  assertEquals(
    alertText(alert()),
    "app: volume_changed (volume) singles people out: volume is not collected any more " +
      "(of 2048 values looked at 2040 are rare, surely 99 % of all; 97 % of 2100 pseudonyms have a rare one, " +
      "surely 94 %).",
  );
  // One that was raised before people had a lower bound.
  const { exposedLeast: _exposedLeast, ...before } = FIGURES;
  assertMatch(alertText(alert({ figures: before })), /97 % of 2100 pseudonyms have a rare one\)\.$/);
  assertMatch(alertText(alert({ action: "stop-event" })), /: it is not collected any more/);
  assertMatch(alertText(alert({ action: "quarantine" })), /withheld from export and release/);
  assertMatch(alertText(alert({ action: "warn" })), /nothing is stopped/);
  assertMatch(alertText(alert({ kind: "warn" })), /comes near/);
  assertMatch(alertText(alert({ kind: "passed", fields: [] })), /^app: volume_changed has passed/);
  assertEquals(
    alertText(alert({ kind: "lifted", reason: "reviewed" })),
    "app: the stop of volume_changed (volume) was lifted: reviewed",
  );
});

Deno.test("deliverAlerts() tries ever more rarely, over restarts, until the alert is taken", () =>
  withStore(async (store) => {
    const key = ALERTS.key("app", "x");
    await setRow(store, key, alert());
    const tried: number[] = [];
    // Every second a new process looks: nothing is remembered but the row.
    for (let second = 0; second < 1_000; second++) {
      await deliverAlerts(store, NOW + second, () => {
        tried.push(second);
        return Promise.resolve(tried.length === 5);
      });
    }
    assertEquals(tried, [0, 30, 90, 210, 450]);
    assertEquals((await readAlerts(store, "app"))[0]!.delivery.state, "sent");
  }));

Deno.test("deliverAlerts() gives up after twenty tries and three days", () =>
  withStore(async (store) => {
    await setRow(store, ALERTS.key("app", "x"), alert());
    let tries = 0, last = 0;
    for (let minute = 0; minute < 6 * 1_440; minute++) {
      await deliverAlerts(store, NOW + 60 * minute, () => {
        tries++;
        last = minute;
        return Promise.resolve(false);
      });
    }
    assertEquals(tries, 20);
    assert(last > 2 * 1_440 && last < 4 * 1_440, `${last}`);
    assertEquals((await readAlerts(store, "app"))[0]!.delivery.state, "failed");
  }));

Deno.test("deliverAlerts() sends an alert once though several processes look", () =>
  withStore(async (store) => {
    await setRow(store, ALERTS.key("app", "x"), alert());
    let sent = 0;
    const send = async () => {
      sent++;
      await new Promise((resolve) => setTimeout(resolve, 10));
      return true;
    };
    await Promise.all([1, 2, 3, 4].map(() => deliverAlerts(store, NOW, send)));
    assertEquals(sent, 1);
  }));

Deno.test("deliverAlerts() tries again after a process that ended while it sent", () =>
  withStore(async (store) => {
    await setRow(store, ALERTS.key("app", "x"), alert());
    await deliverAlerts(store, NOW, () => Promise.reject(new Error("ended"))).catch(() => {});
    assertEquals(await deliverAlerts(store, NOW + 1, () => Promise.resolve(true)), { sent: 0, failed: 0 });
    assertEquals(await deliverAlerts(store, NOW + 30, () => Promise.resolve(true)), { sent: 1, failed: 0 });
  }));

Deno.test("deliverAlerts() leaves a webhook that fails one alert alone with the others until the next time", () =>
  withStore(async (store) => {
    for (let name = 0; name < 20; name++) await setRow(store, ALERTS.key("app", name), alert());
    let tries = 0;
    const send = (isTaken: boolean) => () => {
      tries++;
      return Promise.resolve(isTaken);
    };
    await deliverAlerts(store, NOW, send(false));
    assertEquals(tries, 1);
    // The one that was tried waits; the others go as soon as the webhook takes them.
    assertEquals(await deliverAlerts(store, NOW + 1, send(true)), { sent: 19, failed: 0 });
    assertEquals(await deliverAlerts(store, NOW + 30, send(true)), { sent: 1, failed: 0 });
  }));

Deno.test("deliverAlerts() leaves alone what was raised without a webhook", () =>
  withStore(async (store) => {
    await setRow(
      store,
      ALERTS.key("app", "x"),
      alert({ delivery: { state: "none", tries: 0, dueAt: NOW } }),
    );
    assertEquals(await deliverAlerts(store, NOW, () => Promise.resolve(true)), { sent: 0, failed: 0 });
  }));

Deno.test("sweepAlerts() keeps alerts for 400 days", () =>
  withStore(async (store) => {
    await setRow(store, ALERTS.key("app", "x"), alert());
    assertEquals(await sweepAlerts(store, NOW + 400 * 86_400 - 1, DEFAULT_PACE), 0);
    assertEquals(await sweepAlerts(store, NOW + 400 * 86_400, DEFAULT_PACE), 1);
    assertEquals(await readAlerts(store, "app"), []);
  }));

Deno.test("startMergeLoop() merges, reports and delivers on its own, and once more when it stops", async () => {
  const wide = event({ level: { type: "integer", min: 0, max: 65_535 } });
  const deployment = deploymentOf({ e: wide }, { risk: { minPseudonyms: 50 }, webhook: true });
  await withMonitor(deployment, async ({ open, store }) => {
    const monitor = await open();
    const delivered = Promise.withResolvers<AlertRow>();
    const raised: AlertRow[] = [];
    const pulse = startMergeLoop(monitor, store, {
      everyMs: 5,
      now: () => NOW,
      send: (alert) => {
        delivered.resolve(alert);
        return Promise.resolve(true);
      },
      onAlert: (alert) => raised.push(alert),
      onError: (error) => delivered.reject(error),
    });
    for (let person = 0; person < 60; person++) {
      monitor.observe("app", pseudonym(person), [accepted("e", { level: person })], NOW);
    }
    assertEquals((await delivered.promise).suppressed, "level");
    assertEquals(raised.length, 1);
    for (let person = 0; person < 70; person++) {
      monitor.observe("app", pseudonym(1_000 + person), [accepted("e", { level: person })], NOW + 604_800);
    }
    await pulse.stop();
    const rows = await Array.fromAsync(store.list(SKETCHES.prefix("app")));
    assert(rows.length > 0);
  });
});

Deno.test("startMergeLoop() measures and stops though a webhook hangs", async () => {
  const wide = event({ level: { type: "integer", min: 0, max: 65_535 } });
  const deployment = deploymentOf({ e: wide, f: wide }, { risk: { minPseudonyms: 50 }, webhook: true });
  await withMonitor(deployment, async ({ open, store }) => {
    const monitor = await open();
    const hanging = Promise.withResolvers<boolean>();
    const raised: AlertRow[] = [];
    let sending = 0;
    const pulse = startMergeLoop(monitor, store, {
      everyMs: 5,
      now: () => NOW,
      send: () => {
        sending++;
        return hanging.promise;
      },
      onAlert: (alert) => raised.push(alert),
      onError: fail,
    });
    for (const name of ["e", "f"]) {
      for (let person = 0; person < 60; person++) {
        monitor.observe("app", pseudonym(person), [accepted(name, { level: person })], NOW);
      }
      while (!monitor.suppressionsOf("app").fields.has(`${name}.level`) || sending === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    assertEquals(raised.map(({ event }) => event), ["e", "f"]);
    // What hangs is asked once, and not by every beat.
    assertEquals(sending, 1);
    hanging.resolve(true);
    await pulse.stop();
    assertEquals((await readAlerts(store, "app")).map(({ delivery }) => delivery.state), ["sent", "sent"]);
  });
});

function fail(error: unknown): never {
  throw error;
}
