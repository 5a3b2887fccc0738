/**
 * The parts of one running service, put together from what is passed in. No module-level state: a test makes a whole
 * service in memory.
 *
 * @module
 */
import type { Application, Deployment } from "./config/types.ts";
import { Counters } from "./counters/counters.ts";
import { Refusal } from "./errors.ts";
import { KeyRing } from "./keys/key_ring.ts";
import type { RotationContext } from "./keys/rotation.ts";
import type { Sealer } from "./keys/sealing.ts";
import { MacKeyCache } from "./mac_key_cache.ts";
import { LocalRedeemer } from "./redemption.ts";
import { Committer, type CommitterOptions } from "./store/committer.ts";
import { CounterRows } from "./store/counter_rows.ts";
import type { Store } from "./store/kv.ts";
import { NO_STOPS, type Stops } from "./telemetry/schema.ts";
import type { RandomSource, Suite, SuiteName } from "./voprf/suite.ts";

/** What a service is made of. */
export interface ServiceOptions {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The store. */
  readonly store: Store;
  /** Seals key material. */
  readonly sealer: Sealer;
  /** The cipher suites by name. */
  readonly suites: (name: SuiteName) => Suite;
  /** This deployment's region. */
  readonly region: string;
  /** A cryptographic source. */
  readonly random: RandomSource;
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** How records are committed. */
  readonly committer?: CommitterOptions;
}

/** A running service, as routes see it. */
export interface Service {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The store. */
  readonly store: Store;
  /** A cryptographic source. */
  readonly random: RandomSource;
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** What key rotation works with. */
  readonly rotation: RotationContext;
  /** Puts claims and records into the store. */
  readonly committer: Committer;
  /** Redeems logs. */
  readonly redeemer: LocalRedeemer;
  /** Counts what happens in this process. */
  readonly counters: Counters;
  /** The counters of all processes in the store. */
  readonly counterRows: CounterRows;
  /** An application. Throws the refusal `app_unknown`. */
  readonly appOf: (id: string) => Application;
  /** An application's keys. Throws the refusal `app_unknown`. */
  readonly ringOf: (id: string) => KeyRing;
  /** What is stopped for an application. */
  readonly stopsOf: (id: string) => Stops;
}

/** Puts a service together. Nothing is read or written yet. */
export function createService(options: ServiceOptions): Service {
  const { deployment, store, sealer, suites, region, random, now } = options;
  const rotation: RotationContext = { store, region, sealer, suites, random };
  const macKeys = new MacKeyCache();
  const rings = new Map(
    [...deployment.applications].map(([id, app]) => [
      id,
      new KeyRing(rotation, app, deployment.issuer, (ordinal) => macKeys.clear(ordinal)),
    ]),
  );
  const counters = new Counters(now);
  const counterRows = new CounterRows(store, counters, random(9).toBase64(), now);
  const committer = new Committer(store, random, {
    ...options.committer,
    onCommit: (claims, milliseconds, ok) => {
      counters.committed(claims, ok);
      options.committer?.onCommit?.(claims, milliseconds, ok);
    },
  });
  const redeemer = new LocalRedeemer({
    ringOf: (app) => rings.get(app),
    committer,
    macKeys,
  });
  const known = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Refusal("app_unknown", "There is no such application.");
    return value;
  };
  return {
    deployment,
    store,
    random,
    now,
    rotation,
    committer,
    redeemer,
    counters,
    counterRows,
    appOf: (id) => known(deployment.applications.get(id)),
    ringOf: (id) => known(rings.get(id)),
    stopsOf: () => NO_STOPS,
  };
}
