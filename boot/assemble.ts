/**
 * The one wiring: settings, configuration, secrets, store and ports become a service. main.ts, the tests and the benches
 * all call it, so that a request is the same in each.
 *
 * @module
 */
import type { Hono } from "hono";
import type { RandomSource } from "../core/base/random.ts";
import { ConfirmedTime } from "../core/clock/confirmed_time.ts";
import type { Deployment } from "../core/config/types.ts";
import { storeIdReader } from "../core/acs/remote/store_id.ts";
import { proveSealingKeys } from "../core/keys/resealing.ts";
import { Sealer } from "../core/keys/sealing.ts";
import type { CommitterOptions } from "../core/ledger/committer.ts";
import { writeFormat } from "../core/operations/store_format.ts";
import { newestCountedSeconds } from "../core/operations/counter_rows.ts";
import { createLogServer, createService, type Server, type ServiceOptions } from "../core/service.ts";
import type { Siblings } from "../core/operations/siblings.ts";
import type { HostState } from "../core/operations/standing.ts";
import type { Store } from "../core/store/store.ts";
import { loadSuites } from "../core/voprf/load.ts";
import { Admission, type AdmissionOptions } from "../edge/admission/admission.ts";
import { Guesses, SIGN_IN_RATE } from "../edge/admission/guesses.ts";
import { type Ignored, senderReader } from "../edge/admission/sender.ts";
import { operatorOf } from "../edge/auth/operator.ts";
import { tokensOf } from "../edge/auth/operator_settings.ts";
import { serviceReader } from "../edge/callers.ts";
import { createSessionAuthenticator, type SessionAuthenticator } from "../edge/auth/session.ts";
import { deidentify, type EdgeHandler } from "../edge/deidentify.ts";
import type { Door } from "../edge/host_rule.ts";
import { AcsClient } from "../edge/remote/acs_client.ts";
import { Regions } from "../edge/remote/region.ts";
import { alertWebhook } from "../edge/remote/webhook.ts";
import { createApp } from "../routes/app.ts";
import { logSender } from "../routes/client/logs.ts";
import { startBackground } from "./background.ts";
import { readClientBundle } from "./client_bundle.ts";
import { consoleParts } from "./console.ts";
import type { Log } from "./log.ts";
import { scopeMistakes } from "./operator_settings.ts";
import type { Secrets } from "./secrets.ts";
import { EnvironmentError, type Settings } from "./settings.ts";
import { VERSION } from "./version.ts";

/** What an operator has to know of a header that was not read: everybody behind that proxy shares one throttle. */
const IGNORED: Readonly<Record<Ignored, string>> = {
  nobody_trusted:
    "A request came with a forwarded header, and no proxy is trusted: if one stands in front, " +
    "everybody shares one throttle. Set DIT_TRUSTED_HOPS or DIT_TRUSTED_PROXIES, or have it send none.",
  not_through_proxies: "A request came with X-Forwarded-For past the proxies that DIT_TRUSTED_HOPS and " +
    "DIT_TRUSTED_PROXIES name: if it did come through them, everybody behind them shares one throttle. " +
    "Count and networks have to be those of the proxies in front.",
};

/** What the world lends to a service. */
export interface Ports {
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** A clock that nobody sets: seconds since any moment. The wall clock is held against it. */
  readonly steady: () => number;
  /** A cryptographic source. */
  readonly random: RandomSource;
  /** Reaches other servers: key sets, regions, the ACS, the identity provider, the webhook. */
  readonly fetch: typeof fetch;
  /** Writes a line about what happened. */
  readonly log: Log;
  /** Hears of errors of requests that nobody expected. */
  readonly onInternalError: (error: unknown) => void;
  /** How the machine is, for metrics; nothing is known of it by default. */
  readonly readHost?: (() => Promise<HostState>) | undefined;
  /** The other processes that answer on this one's port; none by default. */
  readonly siblings?: Siblings | undefined;
}

/** What no operator sets: tests wait for no deadline, and benches look inside. */
export interface Tuning {
  /** How records are committed. */
  readonly committer?: CommitterOptions | undefined;
  /** The throttle, besides what the settings say of it. */
  readonly admission?: AdmissionOptions | undefined;
  /** Milliseconds in which a client's whole body has to arrive. */
  readonly bodyDeadlineMs?: number | undefined;
  /** Milliseconds after which a region that does not answer a log counts as unreachable. */
  readonly forwardMs?: number | undefined;
  /** Milliseconds after which the ACS counts as unreachable. */
  readonly acsDeadlineMs?: number | undefined;
  /** The authenticators' keys of tokens that were used. */
  readonly macKeys?: ServiceOptions["macKeys"] | undefined;
}

/** What a service is made of. */
export interface AssembleOptions {
  /** The environment. */
  readonly settings: Settings;
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The secrets. */
  readonly secrets: Secrets;
  /** Opens the store, once everything that can be wrong without it has been looked at. */
  readonly openStore: () => Promise<Store>;
  /** Opens a replica of it; undefined where there is none. */
  readonly openReplica?: ((store: Store) => Promise<Store | undefined>) | undefined;
  /** The world. */
  readonly ports: Ports;
  /** Ends live views. */
  readonly stopped: AbortSignal;
  /** What no operator sets. */
  readonly tuning?: Tuning | undefined;
}

/** A service that answers requests. */
export interface Assembled {
  /** Its parts. */
  readonly service: Server;
  /** Its routes, without what stands before them. */
  readonly app: Hono;
  /** Answers what comes through the socket that faces clients. It never rejects. */
  readonly handle: EdgeHandler;
  /** The same for operators, where they have a socket of their own. */
  readonly handleOperators: EdgeHandler | undefined;
  /** Starts what goes on beside requests in a process; {@linkcode Assembled.close} ends it. */
  readonly startBackground: () => void;
  /** Finishes what is under way and closes the store. */
  readonly close: () => Promise<void>;
}

/**
 * Puts a service together. With the wrong sealing keys nothing is written.
 * @throws {SealError} Then. {@linkcode EnvironmentError} if an operator is meant for an application that there is not,
 * {@linkcode SessionSetupError} if an application's secret is missing or its key cannot be
 * read, {@linkcode WebhookSetupError} if the webhook's secret is missing, and what `openStore` throws.
 */
export async function assemble(options: AssembleOptions): Promise<Assembled> {
  const { settings, settings: { development }, ports: { log }, secrets, deployment } = options;
  const mistakes = scopeMistakes(secrets.operators, deployment.applications);
  if (mistakes.length > 0) throw new EnvironmentError(mistakes);
  const sessions = await sessionsOf(options);
  const webhook = deployment.alerts?.webhook;
  const sendAlert = webhook && alertWebhook({ ...webhook, ...options.ports, secret: secrets.named });
  const service = await openServer(options);
  await service.risk.open();
  const regions = regionsOf(options);
  const app = routesOf(options, { service, sessions, regions });
  const apart = settings.operatorsListener !== undefined;
  let stopBackground: (() => Promise<void>) | undefined;
  return {
    service,
    app,
    handle: edgeOf(options, { service, app, regions, door: apart ? "public" : undefined }),
    handleOperators: apart ? edgeOf(options, { service, app, regions, door: "operators" }) : undefined,
    startBackground() {
      stopBackground ??= startBackground({ service, development, log, sendAlert });
    },
    async close() {
      await service.committer.drain();
      await stopBackground?.();
      if (service.replica !== service.store) service.replica.close();
      service.store.close();
    },
  };
}

/** Who may have tokens, by application. An ACS alone signs nobody in: its callers have. */
async function sessionsOf(
  { settings, deployment, secrets: { named: secret }, ports: { fetch } }: AssembleOptions,
): Promise<ReadonlyMap<string, SessionAuthenticator> | undefined> {
  if (settings.role === "acs") return undefined;
  const authenticators = [...deployment.applications].map(async ([id, app]) =>
    [id, await createSessionAuthenticator(app, { secret, fetch })] as const
  );
  return new Map(await Promise.all(authenticators));
}

/** The server of the role, on its store. */
async function openServer(
  { settings, deployment, secrets, openStore, openReplica, ports, tuning = {} }: AssembleOptions,
): Promise<Server> {
  const { region, acs, role } = settings;
  const { now, steady, random, fetch, log, readHost, siblings } = ports;
  const store = await openStore();
  const sealer = await Sealer.of(secrets.sealKeys, random);
  await proveSealingKeys(store, sealer);
  await writeFormat(store);
  const replica = await openReplica?.(store);
  const time = new ConfirmedTime({ store, now, steady, onEvent: ({ event, ...what }) => log(event, what) });
  await time.open(() => newestCountedSeconds(store));
  // At once, since a process may end before its first maintenance, and the next start would find no time to go by. A store
  // that takes no write stops no start: whether it takes one, its readiness says.
  await time.refresh().catch(() => {});
  const common = {
    deployment,
    store,
    replica,
    sealer,
    region,
    version: VERSION,
    random,
    now,
    time,
    committer: { maxInFlight: store.capabilities.shared ? 4 : 1, ...tuning.committer },
    // The store's owner cannot change these lines: they show when the audit log was cut short.
    onAuditEntry: ({ number, digest }: { number: number; digest: string }) =>
      log("trail", { number, digest }),
    // An ACS alone answers no questions about logs.
    jobs: role === "acs" ? ["maintenance"] as const : undefined,
    readHost,
    siblings,
  };
  if (acs !== undefined) {
    const storeId = storeIdReader(store, random);
    // It is made at the start, so that no request that is refused writes it.
    await storeId();
    const client = { ...acs, deployment, region, fetch, storeId, deadlineMs: tuning.acsDeadlineMs };
    return createLogServer({ ...common, acs: new AcsClient(client) });
  }
  const names = [...deployment.applications.values()].map(({ suite }) => suite);
  return createService({
    ...common,
    suites: await loadSuites((message) => log("warning", { message }), {
      names,
      kernel: settings.suiteKernel,
    }),
    macKeys: tuning.macKeys,
    onKeyEvent: ({ event, ...key }) => log(event, key),
  });
}

/** The other regions, where there are any. */
function regionsOf({ settings, ports: { fetch }, tuning = {} }: AssembleOptions): Regions | undefined {
  const { regions: others, regionToken: token } = settings;
  if (others.size === 0 || token === undefined) return undefined;
  return new Regions({ others, token, fetch, forwardMs: tuning.forwardMs });
}

/** What routes work with. */
interface Behind {
  readonly service: Server;
  readonly sessions: ReadonlyMap<string, SessionAuthenticator> | undefined;
  readonly regions: Regions | undefined;
}

/** The routes of the role. */
function routesOf(
  { settings, secrets, ports, stopped, tuning = {} }: AssembleOptions,
  { service, sessions, regions }: Behind,
): Hono {
  const { development, role, endpoints } = settings;
  const { fetch, steady, onInternalError } = ports;
  return createApp({
    service,
    version: VERSION,
    role,
    sessions,
    endpoints,
    regions,
    operatorTokens: tokensOf(secrets.operators),
    console: consoleParts({ service, secrets, development, fetch, steady, stopped }),
    developmentSecret: development && sessions !== undefined ? secrets.named : undefined,
    clientBundle: development && role === "all" ? readClientBundle : undefined,
    bodyDeadlineMs: tuning.bodyDeadlineMs,
    onInternalError,
  });
}

/** What a request meets before the routes. Each door has a throttle of its own: no crowd of clients keeps operators out. */
function edgeOf(
  { settings, deployment, secrets, ports: { random, log, onInternalError }, tuning = {} }: AssembleOptions,
  { service, regions, app, door }: Omit<Behind, "sessions"> & { app: Hono; door: Door | undefined },
): EdgeHandler {
  const tokens = tokensOf(secrets.operators);
  const { bodyDeadlineMs } = tuning;
  return deidentify({
    handle: (request, bindings) => app.fetch(request, bindings),
    // An ACS alone takes no logs.
    sendLog: settings.role === "acs"
      ? undefined
      : logSender({ service, regions, bodyDeadlineMs, onInternalError }),
    senderOf: senderReader(settings, (why) => log("warning", { message: IGNORED[why] })),
    admission: new Admission(random, { ...settings, ...tuning.admission }),
    guesses: new Guesses(random),
    signIns: new Guesses(random, undefined, SIGN_IN_RATE),
    isOperator: (authorization) => operatorOf(authorization, tokens, "api") !== undefined,
    isService: serviceReader(deployment),
    hopToken: settings.regionToken,
    issueHost: settings.issueHost,
    logHost: settings.logHost,
    adminHost: settings.adminHost,
    door,
    onAnswer: settings.logRequests ? (line) => log("answer", { ...line }) : undefined,
    count: (answer) => service.counters.answered(answer),
    applications: new Set(deployment.applications.keys()),
  });
}
