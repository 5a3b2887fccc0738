/**
 * A service with a past: days of measured risk, of released answers and of keys, for pages that show days.
 *
 * @module
 */
import { toBase64url, utf8 } from "../../../core/base/bytes.ts";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { releaseContext } from "../../../core/jobs/run_releases.ts";
import { releaseDay } from "../../../core/privacy/release/release.ts";
import { encodeFigures, type PublishedRow } from "../../../core/privacy/release/rows.ts";
import { LOG_ROWS } from "../../../core/ledger/families.ts";
import { RELEASES, releasesOf } from "../../../core/privacy/release/families.ts";
import { ALERTS, DECISIONS } from "../../../core/privacy/risk/families.ts";
import { encodeRecord } from "../../../core/schema/record.ts";
import { dayOf } from "../../../core/base/time.ts";
import type { ValidEvent } from "../../../core/schema/validate.ts";
import { seededRandom } from "../base/seeded_random.ts";
import type { TestService } from "../service/service.ts";

const words = { description: "-", purpose: "-", owner: "notes-team", expires: "2099-12-31" };

/** An application with fields of every degree of risk, and questions about them. */
export const WITH_HISTORY: Partial<ApplicationConfig> = {
  expectedClients: 1_000,
  events: {
    note_opened: {
      ...words,
      identifying: "a test",
      risk: { action: "warn", minPseudonyms: 100 },
      fields: {
        platform: { type: "enum", values: ["web", "phone", "desktop"] },
        version: { type: "version", majors: [1, 3], minors: 9 },
        notes: { type: "integer", min: 0, max: 10_000 },
        offline: { type: "boolean" },
      },
    },
    slider_moved: {
      ...words,
      identifying: "a test",
      fields: { level: { type: "integer", min: 0, max: 65_535 }, muted: { type: "boolean" } },
    },
    note_deleted: {
      ...words,
      fields: {
        platform: { type: "enum", values: ["web", "phone", "desktop"] },
        kept_days: { type: "bucket", edges: [1, 10, 100] },
      },
    },
  },
  releases: {
    budget: { epsilon: 21 },
    queries: {
      opens_by_platform: { event: "note_opened", by: ["platform"], epsilon: 1 },
      opens_by_version: { event: "note_opened", by: ["version"], epsilon: 0.5 },
      rate_of_deletions: { event: "note_deleted", among: "note_opened", by: ["platform"], epsilon: 0.5 },
      deletions: { event: "note_deleted", epsilon: 0.5 },
      kept_days: { event: "note_deleted", by: ["kept_days"], epsilon: 0.5 },
    },
  },
};

/** A pseudonym of a person, base64url. */
export function pseudonym(person: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, person);
  return toBase64url(bytes);
}

/** Stores records of a day as the service would have: one of each person. */
export async function storeRecords(
  test: TestService,
  day: number,
  records: ReadonlyMap<number, ValidEvent[]>,
): Promise<void> {
  const lines = [...records].map(([person, events]) =>
    new TextDecoder().decode(encodeRecord(pseudonym(person), events)).trimEnd()
  );
  for (let at = 0; at < lines.length; at += 200) {
    const id = new Uint8Array(12).fill(at / 200);
    await test.kv.set(LOG_ROWS.key("notes", day, id), utf8(lines.slice(at, at + 200).join("\n") + "\n"));
  }
}

/** Lets days pass in which people use the app `notes` of {@linkcode WITH_HISTORY}: measured, kept and released. */
export async function liveThroughDays(test: TestService, days: number, people = 400): Promise<void> {
  const random = seededRandom(11);
  const { service, clock } = test;
  const app = service.appOf("notes");
  for (let passed = 0; passed < days; passed++) {
    const day = dayOf(clock.seconds);
    const records = new Map<number, ValidEvent[]>();
    for (let person = 1; person <= people * (0.6 + 0.4 * Math.abs(Math.sin(passed))); person++) {
      const events = eventsOf(random.unit, service.suppressionsOf("notes").fields.has("slider_moved.level"));
      service.risk.observe("notes", pseudonym(person), events, clock.seconds);
      records.set(person, events.map((event) => ({ ...event, at: day * 86_400 })));
    }
    await service.risk.merge(clock.seconds);
    await storeRecords(test, day, records);
    clock.seconds += 86_400;
    await releaseDay(releaseContext(service), app, { day, nowSeconds: clock.seconds });
    await test.maintain();
  }
}

function eventsOf(unit: () => number, isLevelStopped: boolean): ValidEvent[] {
  const at = 0;
  const version = unit() < 0.93
    ? (unit() < 0.7 ? "3.1" : "3.0")
    : `${1 + Math.floor(unit() * 2)}.${Math.floor(unit() * 10)}`;
  const platform = ["web", "web", "phone", "phone", "phone", "desktop"][Math.floor(unit() * 6)]!;
  const notes = unit() < 0.7 ? Math.floor(unit() * 4) : Math.floor(unit() * unit() * 3_000);
  const level = Math.floor(unit() * 65_536);
  const events: ValidEvent[] = [
    { name: "note_opened", at, fields: { platform, version, notes, offline: unit() < 0.2 } },
    { name: "slider_moved", at, fields: { ...(isLevelStopped ? {} : { level }), muted: unit() < 0.5 } },
  ];
  if (unit() < 0.3) {
    events.push({ name: "note_deleted", at, fields: { platform, kept_days: Math.floor(unit() * 4) } });
  }
  return events;
}

/** Writes HTML wherever a row of the store has a name or a reason: what somebody might do who writes to the store. */
export async function plantHtml(test: TestService, html: string): Promise<void> {
  const { store } = test.service;
  const now = test.clock.seconds;
  const day = dayOf(now) - 1;
  const published = (await Array.fromAsync(store.list<PublishedRow>(releasesOf("notes", day, day))))
    .map(({ value }) => value).find((value) => !(value instanceof Uint8Array))!;
  const { parts } = encodeFigures({
    figures: [{ cell: [html], count: 90, lower: 80, upper: 100 }],
    shownFrom: 10,
    withheld: 0,
    hidden: [],
  }, store.limits);
  await store.commit((operation) => {
    operation.set(RELEASES.key("notes", day, html, 0), {
      ...published,
      plan: { ...published.plan, event: html, by: [html] },
    });
    operation.set(RELEASES.key("notes", day, html, 1), parts[0]);
    operation.set(DECISIONS.key("notes", "slider_moved", ""), {
      state: "lifted",
      since: now,
      until: now + 86_400,
      layout: "x",
      reason: html,
    });
    operation.set(ALERTS.key("notes", "lifted", html), {
      id: "x",
      kind: "lifted",
      app: "notes",
      event: html,
      fields: [html],
      at: now,
      reason: html,
      delivery: { state: "none", tries: 0, dueAt: now },
    });
  });
}
