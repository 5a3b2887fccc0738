/**
 * A whole service in memory, as main.ts has it, with a clock that a test sets. Only the socket is missing.
 *
 * @module
 */
import { SignJWT } from "jose";
import type { Tuning } from "../../../boot/assemble.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import type { ApplicationConfig, Config } from "../../../core/config/types.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import { splitLines } from "../../../core/ledger/pack_records.ts";
import { readSegment } from "../../../core/ledger/segments.ts";
import type { LogRecord } from "../../../core/schema/record.ts";
import type { Service } from "../../../core/service.ts";
import { CLAIMS, LOG_ROWS, SEGMENTS } from "../../../core/ledger/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { StoreOptions } from "../../../core/store/store.ts";
import { DocumentCheck } from "../http/hold_to_document.ts";
import { type AssembledTest, type AssembledTestOptions, assembleTest, SESSION_SECRET } from "./assembled.ts";

export { SESSION_SECRET, systemRandom } from "./assembled.ts";

/** The `iss` of every session in tests. */
export const SESSION_ISSUER = "https://login.example";
/** When a service of a test starts: 20 minutes into an hour and 10 hours into an epoch, in Unix seconds. */
export const START_SECONDS = Date.UTC(2027, 0, 15, 10, 20, 30) / 1000;

/** One application's settings in tests: an event of every field type, one that is stopped and one that has expired. */
export const testApplication = {
  session: { issuer: SESSION_ISSUER, key: { kind: "hs256", secretEnv: "SESSION_SECRET" } },
  tokensPerClient: 4,
  events: {
    note_saved: {
      description: "A note was saved.",
      purpose: "How often saving fails.",
      owner: "notes-team",
      expires: "2099-12-31",
      fields: {
        ok: { type: "boolean" },
        platform: { type: "enum", values: ["web", "phone"], optional: true },
        retries: { type: "integer", min: 0, max: 10, optional: true },
        latency_ms: { type: "bucket", edges: [10, 100, 1000], optional: true },
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
    note_stopped: {
      description: "No longer collected.",
      purpose: "To be refused.",
      owner: "notes-team",
      expires: "2099-12-31",
      state: "stopped",
      fields: {},
    },
    note_expired: {
      description: "Collected until the day before the tests' clock starts.",
      purpose: "To be refused.",
      owner: "notes-team",
      expires: "2027-01-14",
      fields: {},
    },
  },
} as const satisfies ApplicationConfig;

/** A configuration with the given applications, each `testApplication` with changes. */
export function configOf(applications: Record<string, Partial<ApplicationConfig>>): Config {
  return {
    issuer: "telemetry.example",
    applications: Object.fromEntries(
      Object.entries(applications).map(([id, changes]) => [id, { ...testApplication, ...changes }]),
    ),
  };
}

/** The application `notes` on ristretto255 and `vault` on P-384. */
export const BOTH_SUITES: Config = configOf({ notes: {}, vault: { suite: "P384-SHA384" } });

/** What a test may choose of its service. */
export interface TestServiceOptions
  extends Omit<AssembledTestOptions, "deployment" | "now" | "openStore" | "tuning">, Tuning {
  /** The database; one of its own in memory by default, closed with the service. */
  readonly kv?: Deno.Kv;
  /** How the store behaves. */
  readonly store?: StoreOptions;
  /** The configuration; the application `notes` by default. */
  readonly config?: Config;
  /** A clock to share with another service. */
  readonly clock?: { seconds: number };
  /** Whether /dev exists. */
  readonly development?: boolean;
}

/** A service and what a test may do to it. */
export interface TestService extends Omit<AssembledTest, "handle"> {
  /** The database, as the service has it. */
  readonly kv: Deno.Kv;
  /** Unix seconds; set it to travel. */
  readonly clock: { seconds: number };
  /** The function that main.ts gives to `Deno.serve`. */
  readonly handle: (request: Request, address?: string) => Promise<Response>;
  /** Sends a request to a path. */
  readonly send: (path: string, init?: RequestInit) => Promise<Response>;
  /** Signs a session of a user; claims replace the usual ones. */
  readonly signIn: (subject: string, app?: string, claims?: Record<string, unknown>) => Promise<string>;
  /** Makes and ends keys and sweeps, as cron does. */
  readonly maintain: () => Promise<unknown>;
  /** The records that are stored of an application. */
  readonly records: (app?: string) => Promise<LogRecord[]>;
}

/** Puts a service together. Its keys are there already, so that nothing but requests writes. */
export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const { config = configOf({ notes: {} }), clock = { seconds: START_SECONDS }, development = false } =
    options;
  const kv = options.kv ?? await Deno.openKv(":memory:");
  const assembled = await assembleTest({
    ...options,
    openStore: () => Promise.resolve(storeOver(kv, options.store)),
    deployment: checkConfig(config, { development: true }),
    now: () => clock.seconds,
    settings: { development, ...options.settings },
    tuning: options,
  });
  const { service } = assembled;
  documentCheck ??= everyRoute();
  const { hold } = await documentCheck;
  const handle = async (request: Request, address = "192.0.2.1") =>
    await hold(request, await assembled.handle(request, address));
  await runMaintenance(service);
  return {
    ...assembled,
    kv,
    clock,
    handle,
    // Development answers to this machine's own names alone.
    send: (path, init) =>
      handle(new Request(`${development ? "http://localhost" : "https://telemetry.example"}${path}`, init)),
    signIn: (subject, app = "notes", claims = {}) =>
      new SignJWT({
        iss: SESSION_ISSUER,
        aud: app,
        sub: subject,
        iat: clock.seconds,
        exp: clock.seconds + 3_600,
        ...claims,
      }).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SESSION_SECRET)),
    maintain: () => runMaintenance(service),
    records: (app = "notes") => readRecords(service, app),
  };
}

let documentCheck: Promise<DocumentCheck> | undefined;

/** The document of a service that has every route; what a service of a test leaves out, it answers with 404. */
async function everyRoute(): Promise<DocumentCheck> {
  const deployment = checkConfig(configOf({ notes: {} }), { development: true });
  const whole = await assembleTest({ deployment, now: () => START_SECONDS, operators: {} });
  try {
    return await DocumentCheck.of(whole.app);
  } finally {
    await whole.close();
  }
}

/** Runs a test with a service of its own, and fails it if the service met an error that nobody expected. */
export async function withService(
  options: TestServiceOptions,
  run: (test: TestService) => Promise<void>,
): Promise<void> {
  const test = await startService(options);
  try {
    await run(test);
    if (test.internalErrors.length > 0) throw test.internalErrors[0];
  } finally {
    await test.close();
  }
}

async function readRecords({ store }: Service, app: string): Promise<LogRecord[]> {
  const lines: Uint8Array[] = [];
  for await (const { value } of store.list<Uint8Array>(LOG_ROWS.prefix(app))) {
    lines.push(...splitLines(value));
  }
  for await (const { value } of store.list<Uint8Array>(SEGMENTS.prefix(app))) {
    lines.push(...readSegment(value));
  }
  return lines.map((line) => JSON.parse(new TextDecoder().decode(line)));
}

/** Every row of a database with its versionstamp: two equal snapshots mean that nothing was written in between. */
export async function snapshot(kv: Deno.Kv): Promise<Deno.KvEntry<unknown>[]> {
  return await Array.fromAsync(kv.list({ prefix: [] }));
}

/** How many claims a database holds. */
export async function countClaims(kv: Deno.Kv): Promise<number> {
  return (await Array.fromAsync(kv.list(CLAIMS.all()))).length;
}
