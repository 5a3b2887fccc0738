/**
 * A whole service in memory: the real parts in the order in which main.ts puts them together, with a clock that a test
 * sets. Only the socket is missing.
 *
 * @module
 */
import { SignJWT } from "jose";
import { checkConfig } from "../../../core/config/check/check.ts";
import type { ApplicationConfig, Config } from "../../../core/config/types.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import { createService, type Service } from "../../../core/service.ts";
import type { CommitterOptions } from "../../../core/ledger/committer.ts";
import { CLAIMS, LOG_ROWS, SEGMENTS } from "../../../core/ledger/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { StoreOptions } from "../../../core/store/store.ts";
import { splitLines } from "../../../core/ledger/pack_records.ts";
import { readSegment } from "../../../core/ledger/segments.ts";
import type { LogRecord } from "../../../core/schema/record.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import type { RandomSource } from "../../../core/base/random.ts";
import type { Suite, SuiteName } from "../../../core/voprf/suite.ts";
import { Admission, type AdmissionOptions } from "../../../edge/admission.ts";
import type { AccessLine } from "../../../edge/access_log.ts";
import { deidentify, type EdgeOptions } from "../../../edge/deidentify.ts";
import { consoleKey, ConsoleSessions } from "../../../edge/auth/console_sessions.ts";
import { OidcSignIn } from "../../../edge/auth/oidc.ts";
import type { OperatorSettings } from "../../../edge/auth/operator_settings.ts";
import { SIGN_IN_THROTTLE } from "../../../boot/console.ts";
import type { Regions } from "../../../edge/remote/region.ts";
import { createSessionAuthenticator } from "../../../edge/auth/session.ts";
import { createApp } from "../../../routes/app.ts";
import { DocumentCheck } from "../http/hold_to_document.ts";

/** The `iss` of every session in tests. */
export const SESSION_ISSUER = "https://login.example";
/** Signs the sessions of applications with an HS256 key. */
export const SESSION_SECRET = "a session secret of tests, over 32 bytes";
/** When a service of a test starts: 20 minutes into an hour and 10 hours into an epoch, in Unix seconds. */
export const START_SECONDS = Date.UTC(2027, 0, 15, 10, 20, 30) / 1000;

/** One application's settings in tests: an event of every field type, one that is stopped and one that has expired. */
export const testApplication = {
  session: { issuer: SESSION_ISSUER, key: { kind: "hs256", secretEnv: "SESSION_SECRET" } },
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

/** The suites of tests: noble's, since libsodium's is tested against it elsewhere. */
export function suiteOf(name: SuiteName): Suite {
  return name === "P384-SHA384" ? nobleP384 : nobleRistretto255;
}

/** Fresh bytes of the platform's cryptographic source. */
export const systemRandom: RandomSource = (length) => crypto.getRandomValues(new Uint8Array(length));

/** What a test may choose of its service. */
export interface TestServiceOptions {
  /** The configuration; the application `notes` by default. */
  readonly config?: Config;
  /** The database; one of its own in memory by default, closed with the service. */
  readonly kv?: Deno.Kv;
  /** How the store behaves. */
  readonly store?: StoreOptions;
  /** How records are committed. */
  readonly committer?: CommitterOptions;
  /** Where secrets, row ids and shuffles come from. */
  readonly random?: RandomSource;
  /** The sealing key, for services that share a store. */
  readonly sealKey?: Uint8Array<ArrayBuffer>;
  /** A clock to share with another service. */
  readonly clock?: { seconds: number };
  /** Milliseconds in which a body has to arrive. */
  readonly bodyDeadlineMs?: number;
  /** Reads a JWKS. */
  readonly fetch?: typeof fetch;
  /** Whether /dev exists. */
  readonly development?: boolean;
  /** This deployment's region; `local` by default. */
  readonly region?: string;
  /** The other regions. */
  readonly regions?: Regions;
  /** How much one network may ask for. */
  readonly admission?: AdmissionOptions;
  /** What the edge is told besides. */
  readonly edge?: Pick<EdgeOptions, "hopToken" | "issueHost" | "logHost" | "adminHost">;
  /** Who may operate the service; nobody by default. */
  readonly operators?: Partial<OperatorSettings>;
}

/** A service and what a test may do to it. */
export interface TestService {
  /** The core. */
  readonly service: Service;
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
  /** Errors that nobody expected. */
  readonly internalErrors: unknown[];
  /** The lines that would be logged of the requests so far. */
  readonly answers: AccessLine[];
  /** Ends live views, as a process does that is told to stop. */
  readonly stopping: AbortController;
  /** Flushes and closes. */
  readonly close: () => Promise<void>;
}

/** Puts a service together. Its keys are there already, so that nothing but requests writes. */
export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const random = options.random ?? systemRandom;
  const clock = options.clock ?? { seconds: START_SECONDS };
  const deployment = checkConfig(options.config ?? configOf({ notes: {} }), { development: true });
  const kv = options.kv ?? await Deno.openKv(":memory:");
  const secret = () => SESSION_SECRET;
  const service = createService({
    deployment,
    store: storeOver(kv, options.store),
    sealer: await Sealer.of([options.sealKey ?? random(32)], random),
    suites: suiteOf,
    region: options.region ?? "local",
    random,
    now: () => clock.seconds,
    committer: { maxInFlight: 1, ...options.committer },
  });
  const sessions = new Map(
    await Promise.all(
      [...deployment.applications].map(async ([id, app]) =>
        [id, await createSessionAuthenticator(app, { secret, fetch: options.fetch ?? fetch })] as const
      ),
    ),
  );
  const internalErrors: unknown[] = [];
  const stopping = new AbortController();
  const operators = { ...NO_OPERATORS, ...options.operators };
  const app = createApp({
    service,
    sessions,
    ...(options.regions === undefined ? {} : { regions: options.regions }),
    ...(options.development ? { developmentSecret: secret } : {}),
    ...(options.bodyDeadlineMs === undefined ? {} : { bodyDeadlineMs: options.bodyDeadlineMs }),
    ...(options.operators === undefined ? {} : operatorParts(operators, service, stopping.signal)),
    onInternalError: (error) => internalErrors.push(error),
  });
  const answers: AccessLine[] = [];
  const edge = deidentify({
    handle: (request) => app.fetch(request),
    admission: new Admission(random, options.admission),
    signInAdmission: new Admission(random, SIGN_IN_THROTTLE),
    onAnswer: (line) => answers.push(line),
    count: (answer) => service.counters.answered(answer),
    applications: new Set(deployment.applications.keys()),
    ...options.edge,
  });
  // One that has every route; what a service of a test leaves out, it answers with 404.
  documentCheck ??= DocumentCheck.of(
    createApp({ service, sessions, ...operatorParts(operators, service, stopping.signal) }),
  );
  const { hold } = await documentCheck;
  const handle = async (request: Request, address = "192.0.2.1") =>
    await hold(request, await edge(request, address));
  await runMaintenance(service);
  return {
    service,
    kv,
    clock,
    handle,
    send: (path, init) => handle(new Request(`https://telemetry.example${path}`, init)),
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
    internalErrors,
    answers,
    stopping,
    async close() {
      stopping.abort();
      await service.committer.drain();
      service.store.close();
    },
  };
}

const NO_OPERATORS: OperatorSettings = {
  adminTokenSha256: undefined,
  readerTokenSha256: undefined,
  oidc: undefined,
};

let documentCheck: Promise<DocumentCheck> | undefined;

/** What the app is told about operators; an admin token that nobody has where none is given. */
function operatorParts(operators: OperatorSettings, server: Service, stopped: AbortSignal) {
  const { adminTokenSha256, readerTokenSha256, oidc } = operators;
  return {
    adminTokenSha256: adminTokenSha256 ?? new Uint8Array(32),
    ...(readerTokenSha256 === undefined ? {} : { readerTokenSha256 }),
    console: {
      sessions: new ConsoleSessions({ ...server, key: consoleKey(new Uint8Array(32), operators) }),
      ...(oidc === undefined ? {} : { oidc: new OidcSignIn(oidc, fetch) }),
      secure: true,
      stopped,
    },
  };
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
