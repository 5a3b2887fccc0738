/**
 * The parts of one running service, put together from what is passed in. No module-level state: a test makes a whole
 * service in memory.
 *
 * @module
 */
import type { ConfirmedTime } from "./clock/confirmed_time.ts";
import { findApplication } from "./config/find_application.ts";
import type { Application, Deployment } from "./config/types.ts";
import { Counters } from "./operations/counters.ts";
import { Refusal } from "./base/errors.ts";
import { FAMILY_NAMES } from "./families.ts";
import { type Issuer, LocalIssuer } from "./acs/issuer.ts";
import type { PublishedKey } from "./keys/directory.ts";
import { KeyHistories, type KeyHistory } from "./keys/key_chain.ts";
import { Health } from "./operations/health.ts";
import { HourTeller } from "./operations/hour_teller.ts";
import { EXPECTED, EXPECTED_OF_APPS } from "./operations/metrics.ts";
import { type Job, JobSuccesses } from "./operations/job_successes.ts";
import type { Siblings } from "./operations/siblings.ts";
import { type HostState, type KeyEnds, Standing } from "./operations/standing.ts";
import { type Lifetime, stateAt } from "./keys/epoch.ts";
import { KeyRing } from "./keys/key_ring.ts";
import type { KeyEvent, RotationContext } from "./keys/rotation.ts";
import type { Sealer } from "./keys/sealing.ts";
import { MacKeyCache } from "./acs/mac_keys.ts";
import { RiskMonitor } from "./privacy/risk/monitor.ts";
import { LocalRedeemer, type Redeemer } from "./acs/redeemer.ts";
import { StorePins } from "./acs/store_pins.ts";
import { RemoteIssuer } from "./acs/remote/issuer.ts";
import type { RemoteAcs } from "./acs/remote/port.ts";
import { RemoteRedeemer } from "./acs/remote/redeemer.ts";
import { RemoteKeys } from "./acs/remote/remote_keys.ts";
import { Committer, type CommitterOptions } from "./ledger/committer.ts";
import { CounterRows } from "./operations/counter_rows.ts";
import type { Store } from "./store/store.ts";
import type { Suppressions } from "./schema/event.ts";
import { type AuditEntry, AuditLog } from "./operations/audit_log.ts";
import type { RandomSource } from "./base/random.ts";
import type { Suite } from "./voprf/suite.ts";
import type { SuiteName } from "./voprf/suites.ts";

/** What every server is made of. */
export interface ServerOptions {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The store. */
  readonly store: Store;
  /** A replica of it, which may lag behind; by default there is none, and it is read itself. */
  readonly replica?: Store | undefined;
  /** This deployment's region. */
  readonly region: string;
  /** The version of the code. */
  readonly version: string;
  /** A cryptographic source. */
  readonly random: RandomSource;
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** What of the wall clock may be believed. */
  readonly time: ConfirmedTime;
  /** Seals secrets. */
  readonly sealer: Sealer;
  /** How records are committed. */
  readonly committer?: CommitterOptions | undefined;
  /** Hears of every entry of the audit log. */
  readonly onAuditEntry?: ((entry: AuditEntry) => void) | undefined;
  /** The jobs that a clock starts in this process; all by default. */
  readonly jobs?: readonly Job[] | undefined;
  /** How this machine is; nothing is known of it by default. */
  readonly readHost?: (() => Promise<HostState>) | undefined;
  /** The other processes that answer on this one's port; none by default. */
  readonly siblings?: Siblings | undefined;
}

/** What a server with keys of its own is made of. */
export interface ServiceOptions extends ServerOptions {
  /** The cipher suites by name. */
  readonly suites: (name: SuiteName) => Suite;
  /** The authenticators' keys of tokens that were used; of its own by default. */
  readonly macKeys?: MacKeyCache | undefined;
  /** Hears of every key that is made or ended here. */
  readonly onKeyEvent?: ((event: KeyEvent) => void) | undefined;
}

/** What a log server is made of: it holds no key. */
export interface LogServerOptions extends ServerOptions {
  /** The ACS elsewhere. */
  readonly acs: RemoteAcs;
}

/** A running server as the routes of clients see it, wherever its ACS is. */
export interface Server {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The store. */
  readonly store: Store;
  /**
   * The store, or a replica of it that may lag behind: for what is exported or shown of the past (docs/operating.md says
   * where there is a list). Nothing that decides reads there.
   */
  readonly replica: Store;
  /** What a row of each family is called, in the plural, by the first part of its key. */
  readonly families: ReadonlyMap<string, string>;
  /** Seals secrets. */
  readonly sealer: Sealer;
  /** A cryptographic source. */
  readonly random: RandomSource;
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** What of the wall clock may be believed: everything that is destroyed or ended goes by it. */
  readonly time: ConfirmedTime;
  /** This deployment's region. */
  readonly region: string;
  /** The version of the code, which a release says. */
  readonly version: string;
  /** Puts claims and records into the store. */
  readonly committer: Committer;
  /** The cipher suites of all applications; empty where the ACS is elsewhere. */
  readonly suites: readonly Suite[];
  /** Issues tokens. */
  readonly issuer: Issuer;
  /** Redeems logs. */
  readonly redeemer: Redeemer;
  /** Counts what happens in this process. */
  readonly counters: Counters;
  /** The counters of all processes in the store. */
  readonly counterRows: CounterRows;
  /** How this process is. */
  readonly health: Health;
  /** When each job of the clock last went through. */
  readonly jobSuccesses: JobSuccesses;
  /** What metrics tell of the store and the machine. */
  readonly standing: Standing;
  /** The other processes that answer on this one's port; undefined: it is alone there. */
  readonly siblings: Siblings | undefined;
  /** What operators did. */
  readonly auditLog: AuditLog;
  /** The keys of this region that an application publishes. Throws the refusal `app_unknown`. */
  readonly publishedKeys: (app: string, nowSeconds: number) => Promise<readonly PublishedKey[]>;
  /** The history of those keys. Throws the refusal `app_unknown`. */
  readonly keyHistory: (app: string) => Promise<KeyHistory>;
  /** An application. Throws the refusal `app_unknown`. */
  readonly appOf: (id: string) => Application;
  /** Measures what is accepted and stops what singles people out. The start of a server opens it. */
  readonly risk: RiskMonitor;
  /** What is stopped for an application. */
  readonly suppressionsOf: (id: string) => Suppressions;
}

/** A running server with keys of its own. */
export interface Service extends Server {
  /** What key rotation works with. */
  readonly rotation: RotationContext;
  /** Redeems logs, also for log servers elsewhere. */
  readonly redeemer: LocalRedeemer;
  /** An application's keys. Throws the refusal `app_unknown`. */
  readonly ringOf: (id: string) => KeyRing;
  /** Says which store an application belongs to. */
  readonly storePins: StorePins;
}

/** Whether a server holds keys. */
export function hasKeys(server: Server): server is Service {
  return "rotation" in server;
}

/** Puts a server with keys of its own together. Nothing is read or written yet. */
export function createService(options: ServiceOptions): Service {
  const { deployment, store, sealer, suites, region, random, now, time, onKeyEvent } = options;
  const { macKeys = new MacKeyCache(random) } = options;
  const confirmedSeconds = () => time.confirmedSeconds();
  const rotation: RotationContext = { store, region, sealer, suites, random, confirmedSeconds, onKeyEvent };
  const rings = new Map(
    [...deployment.applications].map(([id, app]) => [
      id,
      new KeyRing(rotation, app, deployment.issuer, (ordinal) => macKeys.clear(ordinal)),
    ]),
  );
  const parts = commonParts(options, async function readKeyEnds() {
    const nowSeconds = options.now();
    const read = [...rings].map(async ([app, ring]) =>
      [app, endsOf(await ring.current(nowSeconds), nowSeconds)] as const
    );
    return new Map(await Promise.all(read));
  });
  const ringOf = (id: string) => known(rings.get(id));
  const histories = new KeyHistories(rotation);
  return {
    ...parts,
    rotation,
    suites: [...new Set([...deployment.applications.values()].map(({ suite }) => suites(suite)))],
    issuer: new LocalIssuer({ store, random, now, ringOf }),
    redeemer: new LocalRedeemer({ ringOf: (app) => rings.get(app), committer: parts.committer, macKeys }),
    publishedKeys: (app, nowSeconds) => ringOf(app).current(nowSeconds),
    keyHistory: (app) => histories.of(app),
    ringOf,
    storePins: new StorePins(store, options.now),
  };
}

/** Puts a log server together, whose ACS is elsewhere. Nothing is read or written yet. */
export function createLogServer(options: LogServerOptions): Server {
  const { acs, store, sealer, random, now } = options;
  // The keys' ends are the ACS's to tell.
  const parts = commonParts(options, () => Promise.resolve(new Map()));
  const { committer } = parts;
  return {
    ...parts,
    suites: [],
    issuer: new RemoteIssuer({ acs, store, sealer, random }),
    redeemer: new RemoteRedeemer({ acs, keys: new RemoteKeys(store), committer }),
    publishedKeys: (app, nowSeconds) => acs.keys(app, nowSeconds),
    keyHistory: (app) => acs.keyHistory(app, now()),
  };
}

function commonParts(options: ServerOptions, readKeyEnds: () => Promise<ReadonlyMap<string, KeyEnds>>) {
  const { deployment, store, sealer, random, now, time, region, version, onAuditEntry } = options;
  const { replica = store, jobs = ["maintenance", "releases"], readHost = () => Promise.resolve({}) } =
    options;
  const counters = new Counters(now);
  counters.expect("", EXPECTED);
  for (const app of deployment.applications.keys()) counters.expect(app, EXPECTED_OF_APPS);
  const process = random(9).toBase64();
  const confirmedSeconds = () => time.confirmedSeconds();
  // An hour that is told is over: another process may still count in it where this one's clock is ahead.
  const hours = new HourTeller({ store, counters, process, now: confirmedSeconds });
  const jobSuccesses = new JobSuccesses(store, jobs, now);
  const risk = new RiskMonitor({ ...options, confirmedSeconds });
  const committer = new Committer(store, random, {
    ...options.committer,
    onCommit: (claims, milliseconds, ok) => {
      counters.committed(claims, ok);
      options.committer?.onCommit?.(claims, milliseconds, ok);
    },
  });
  return {
    deployment,
    store,
    replica,
    families: FAMILY_NAMES,
    sealer,
    random,
    now,
    time,
    region,
    version,
    counters,
    counterRows: new CounterRows(store, counters, process, now),
    health: new Health(now()),
    jobSuccesses,
    siblings: options.siblings,
    standing: new Standing({ hours, jobs: jobSuccesses, readKeyEnds, readHost }),
    auditLog: new AuditLog(store, { random, now, onEntry: onAuditEntry }),
    committer,
    risk,
    appOf: (id: string): Application => findApplication(deployment, id),
    suppressionsOf: (app: string): Suppressions => risk.suppressionsOf(app),
  };
}

/** Until when keys can sign: `keys` are in order of their epochs, and each begins where the one before ends. */
function endsOf(keys: readonly Lifetime[], nowSeconds: number): KeyEnds {
  const issuing = keys.find((key) => stateAt(key, nowSeconds) === "issuing")?.issueUntil;
  let made = issuing;
  for (const { notBefore, issueUntil } of keys) if (notBefore === made) made = issueUntil;
  return { issuing, made };
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Refusal("app_unknown", "There is no such application.");
  return value;
}
