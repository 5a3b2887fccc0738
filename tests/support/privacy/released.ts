/**
 * Days of records in a store, for tests of releases.
 *
 * @module
 */
import { checkConfig } from "../../../core/config/check/check.ts";
import type { ReleasesConfig } from "../../../core/config/release_types.ts";
import type { Application, ApplicationConfig } from "../../../core/config/types.ts";
import type { ReleaseContext } from "../../../core/privacy/release/release.ts";
import { AuditLog } from "../../../core/operations/audit_log.ts";
import { LOG_ROWS } from "../../../core/ledger/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { packRecords } from "../../../core/ledger/pack_records.ts";
import { encodeRecord } from "../../../core/schema/record.ts";
import type { EventSchema } from "../../../core/schema/event.ts";
import type { WireValue } from "../../../core/schema/fields/field_type.ts";
import { event } from "./monitored.ts";
import { type SeededRandom, seededRandom } from "../base/seeded_random.ts";

/** The first day of a budget period of a week. */
export const DAY = 2976 * 7;
/** A moment in the night after it. */
export const NIGHT = (DAY + 1) * 86_400 + 4_800;

/** An app that crashes. */
export const EVENTS: Record<string, EventSchema> = {
  app_crash: event({
    version: { type: "version", majors: [1, 2], minors: 9 },
    platform: { type: "enum", values: ["linux", "darwin", "windows"] },
    step: { type: "integer", min: 0, max: 9_999, optional: true },
  }, { identifying: "planted" }),
  app_start: event({
    // The same values, said in another order.
    version: { minors: 9, majors: [1, 2], type: "version", optional: true, description: "-" },
    platform: { type: "enum", values: ["linux", "darwin"] },
  }),
  vote: event({ choice: { type: "enum", values: ["yes", "no", "maybe"], localDp: { epsilon: 2 } } }),
};

/** One question: crashes by version, for epsilon 1 a day. */
export const BY_VERSION: ReleasesConfig = {
  budget: { epsilon: 7 },
  queries: { crashes: { event: "app_crash", by: ["version"], epsilon: 1 } },
};

/** The application `app` with these releases. */
export function releasing(releases: ReleasesConfig, more: Partial<ApplicationConfig> = {}): Application {
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } };
  return checkConfig({
    issuer: "telemetry.example",
    applications: { app: { session, events: EVENTS, ...more, releases } },
  }, { development: true }).applications.get("app")!;
}

/** An event of a person. */
export interface Sent {
  readonly person: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, WireValue>>;
}

/** Stores a day's events, each as a record of its own. */
export async function store(
  kv: Deno.Kv,
  sent: readonly Sent[],
  { day = DAY, random = seededRandom(1) }: { day?: number; random?: SeededRandom } = {},
): Promise<void> {
  const records = sent.map(({ person, name, fields }) => ({
    app: "app",
    day,
    record: encodeRecord(person, [{ name, at: day * 86_400, fields }]),
  }));
  for (const row of packRecords(records, 60 * 1024, random.bytes)) {
    await kv.set(LOG_ROWS.key(row.app, row.day, random.bytes(12)), row.bytes);
  }
}

/** People who crashed, by version: as many of each as asked for. */
export function crashes(people: Readonly<Record<string, number>>, prefix = "p"): Sent[] {
  return Object.entries(people).flatMap(([version, count]) =>
    Array.from({ length: count }, (_, index) => ({
      person: `${prefix}-${version}-${index}`,
      name: "app_crash",
      fields: { version, platform: "linux" },
    }))
  );
}

/** Runs a test on a store of its own. */
export async function withReleases(
  run: (context: ReleaseContext, kv: Deno.Kv) => Promise<void>,
  { seed = 5, wrap = (kv) => kv }: { seed?: number; wrap?: (kv: Deno.Kv) => Deno.Kv } = {},
): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    const store = storeOver(wrap(kv));
    const random = seededRandom(seed).bytes;
    const auditLog = new AuditLog(store, { random: seededRandom(seed + 1).bytes, now: () => NIGHT });
    await run(
      { store, random, withheldWithin: () => Promise.resolve(new Set()), auditLog, version: "0.0.0" },
      kv,
    );
  } finally {
    kv.close();
  }
}
