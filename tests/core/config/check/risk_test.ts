import { assertEquals } from "@std/assert";
import { checkConfig, ConfigError } from "../../../../core/config/check/check.ts";

type Members = Record<string, unknown>;

/** What is wrong with thresholds of the application, of its event, and with other members of the application. */
function mistakesOf(app: unknown, event?: unknown, more: Members = {}, alerts?: unknown): readonly string[] {
  const config = {
    issuer: "telemetry.example",
    ...(alerts === undefined ? {} : { alerts }),
    applications: {
      demo: {
        session: { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } },
        ...(app === undefined ? {} : { risk: app }),
        ...more,
        events: {
          saved: {
            description: "d",
            purpose: "p",
            owner: "o",
            expires: "2027-06-30",
            ...(event === undefined ? {} : { risk: event }),
            fields: {
              ok: { type: "boolean" },
              noised: { type: "boolean", localDp: { epsilon: 1 } },
            },
          },
        },
      },
    },
  };
  try {
    checkConfig(config, { development: false });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
}

const APP = "applications.demo.risk";
const EVENT = "applications.demo.events.saved.risk";

Deno.test("checkConfig() takes thresholds of application, event and field", () => {
  const thresholds = {
    rarePseudonyms: 64,
    warnShare: 0,
    stopShare: 1,
    warnExposed: 0.2,
    stopExposed: 0.2,
    minPseudonyms: 10,
  };
  assertEquals(mistakesOf(thresholds, { ...thresholds, fields: { ok: thresholds } }), []);
  for (const action of ["warn", "suppress-field", "stop-event", "quarantine"]) {
    assertEquals(mistakesOf({ action }, { action }), []);
  }
});

Deno.test("checkConfig() has one sentence for each mistake in thresholds", () => {
  const wrong: [Members, string][] = [
    [{ rarePseudonyms: 0 }, ".rarePseudonyms: write a whole number from 1 to 64."],
    [{ rarePseudonyms: 65 }, ".rarePseudonyms: write a whole number from 1 to 64."],
    [{ minPseudonyms: 9 }, ".minPseudonyms: write a whole number from 10 to 1000000000."],
    [{ minPseudonyms: 10.5 }, ".minPseudonyms: write a whole number from 10 to 1000000000."],
    [{ warnShare: -0.1 }, ".warnShare: write a share from 0 to 1."],
    [{ stopShare: 50 }, ".stopShare: write a share from 0 to 1."],
    [{ stopExposed: NaN }, ".stopExposed: write a share from 0 to 1."],
    [{ warnShare: 0.6, stopShare: 0.5 }, ".warnShare: write a share that is not above stopShare."],
    [{ warnExposed: 0.6, stopExposed: 0.5 }, ".warnExposed: write a share that is not above stopExposed."],
    [{ action: "stop" }, ".action: choose warn, suppress-field, stop-event or quarantine."],
    [{ threshold: 1 }, ': remove "threshold", which no setting is called.'],
  ];
  for (const [thresholds, sentence] of wrong) {
    assertEquals(mistakesOf(thresholds), [APP + sentence]);
    assertEquals(mistakesOf(undefined, thresholds), [EVENT + sentence]);
    assertEquals(mistakesOf(undefined, { fields: { ok: thresholds } }), [`${EVENT}.fields.ok${sentence}`]);
  }
  assertEquals(mistakesOf({ fields: {} }), [`${APP}: remove "fields", which no setting is called.`]);
  assertEquals(mistakesOf(0.5), [`${APP}: write thresholds, such as { stopShare: 0.5 }.`]);
  assertEquals(mistakesOf(undefined, []), [`${EVENT}: write thresholds, such as { stopShare: 0.5 }.`]);
});

Deno.test("checkConfig() refuses thresholds of what is not measured", () => {
  assertEquals(mistakesOf(undefined, { fields: { gone: {} } }), [
    `${EVENT}.fields.gone: remove it: the event has no such field.`,
  ]);
  assertEquals(mistakesOf(undefined, { fields: { noised: {} } }), [
    `${EVENT}.fields.noised: remove it: a field under local differential privacy is not measured.`,
  ]);
  assertEquals(mistakesOf(undefined, { fields: { ok: { action: "quarantine" } } }), [
    `${EVENT}.fields.ok.action: choose warn, suppress-field or stop-event; an event is quarantined whole.`,
  ]);
  assertEquals(mistakesOf({}, {}, { pseudonymSeconds: false }), [
    `${APP}: remove it: without a pseudonym nobody can tell people from events.`,
    `${EVENT}: remove it: without a pseudonym nobody can tell people from events.`,
  ]);
});

Deno.test("checkConfig() wants a webhook over https whose secret is in the environment", () => {
  const webhook = { url: "https://hooks.example/T0", secretEnv: "HOOK_SECRET" };
  assertEquals(mistakesOf(undefined, undefined, {}, { webhook }), []);
  assertEquals(
    mistakesOf(undefined, undefined, {}, { webhook: { ...webhook, url: "http://hooks.example" } }),
    [
      "alerts.webhook.url: give the https URL of a webhook.",
    ],
  );
  assertEquals(mistakesOf(undefined, undefined, {}, { webhook: { ...webhook, secretEnv: "the secret" } }), [
    "alerts.webhook.secretEnv: name an environment variable in capitals.",
  ]);
  assertEquals(mistakesOf(undefined, undefined, {}, { webhook: { ...webhook, channel: "#x" } }), [
    'alerts.webhook: remove "channel", which no setting is called.',
  ]);
  assertEquals(mistakesOf(undefined, undefined, {}, {}), ["alerts.webhook: describe the webhook."]);
});

Deno.test("checkConfig() takes thresholds of what pseudonyms say in total, of an application alone", () => {
  const total = { rarePseudonyms: 3, warnExposed: 0.4, stopExposed: 0.9, minPseudonyms: 500 };
  for (const action of ["warn", "stop-event"]) assertEquals(mistakesOf({ total: { ...total, action } }), []);
  assertEquals(mistakesOf({ total: { action: "suppress-field" } }), [
    `${APP}.total.action: choose warn or stop-event.`,
  ]);
  assertEquals(mistakesOf({ total: { warnExposed: 0.9, stopExposed: 0.8 } }), [
    `${APP}.total.warnExposed: write a share that is not above stopExposed.`,
  ]);
  assertEquals(mistakesOf({}, { total }).length, 1);
});
