/**
 * A whole service in memory for tests of the client, and a `fetch` that reaches it without a socket.
 *
 * @module
 */
import { SignJWT } from "jose";
import type { Fetch } from "../../../client/mod.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import { defineConfig } from "../../../core/config/mod.ts";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import type { LogRecord } from "../../../core/schema/record.ts";
import type { Service } from "../../../core/service.ts";
import { LOG_ROWS } from "../../../core/ledger/families.ts";
import type { Settings } from "../../../boot/settings.ts";
import { assembleTest, SESSION_SECRET } from "../service/assembled.ts";

const ISSUER = "https://login.example";

/** The configuration that the client's tests run against. */
export const testConfig = defineConfig({
  issuer: "telemetry.example",
  applications: {
    notes: {
      session: { issuer: ISSUER, key: { kind: "hs256", secretEnv: "SESSION_SECRET" } },
      events: {
        note_saved: {
          description: "A note was saved.",
          purpose: "How often saving fails.",
          owner: "notes-team",
          expires: "2099-12-31",
          fields: {
            ok: { type: "boolean" },
            platform: { type: "enum", values: ["web", "phone"] },
            latency_ms: { type: "bucket", edges: [10, 100, 1000] },
            retries: { type: "integer", min: 0, max: 10, optional: true },
            version: { type: "version", optional: true },
          },
        },
        app_opened: {
          description: "The app was opened.",
          purpose: "How many people use it.",
          owner: "notes-team",
          expires: "2099-12-31",
          fields: {},
        },
      },
    },
  },
});

/** A service in memory and what a test may do to it. */
export interface TestService {
  readonly service: Service;
  /** Reaches the service. */
  readonly fetch: Fetch;
  /** Unix milliseconds, moved by the test; the service and its clients may share it. */
  readonly clock: { now: number };
  /** A JWT of a user. */
  readonly signIn: (subject: string) => Promise<string>;
  /** All records that are stored. */
  readonly records: () => Promise<LogRecord[]>;
  readonly close: () => Promise<void>;
}

/** Starts a service with the application `notes`; a test may change what is configured of it, and the settings. */
export async function startService(
  changes: Partial<ApplicationConfig> = {},
  settings: Partial<Settings> = {},
): Promise<TestService> {
  const clock = { now: Date.UTC(2027, 0, 15, 10, 20, 30) };
  const { notes } = testConfig.applications;
  const deployment = checkConfig(
    { issuer: testConfig.issuer, applications: { notes: { ...notes, ...changes } } },
    { development: true },
  );
  const { service, handle, close } = await assembleTest({
    deployment,
    now: () => Math.floor(clock.now / 1000),
    settings,
  });
  return {
    service,
    clock,
    async fetch(url, init) {
      const response = await handle(new Request(url, init), undefined);
      // The server that is missing here would add the date.
      response.headers.set("date", new Date(clock.now).toUTCString());
      return response;
    },
    signIn: (subject) =>
      new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setIssuer(ISSUER).setAudience("notes")
        .setSubject(subject).setIssuedAt(Math.floor(clock.now / 1000))
        .setExpirationTime(Math.floor(clock.now / 1000) + 3_600)
        .sign(new TextEncoder().encode(SESSION_SECRET)),
    records: () => readRecords(service),
    close,
  };
}

async function readRecords(service: Service): Promise<LogRecord[]> {
  await service.committer.drain();
  const records: LogRecord[] = [];
  for await (const { value } of service.store.list<Uint8Array>(LOG_ROWS.prefix("notes"))) {
    const lines = new TextDecoder().decode(value).split("\n").filter((line) => line !== "");
    records.push(...lines.map((line) => JSON.parse(line) as LogRecord));
  }
  return records;
}
