/**
 * Key rotation for tests: contexts on any database, an application of any calendar, a database that dies, and the rules
 * that every store must obey once a run has come to its end.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { checkConfig } from "../../../core/config/check/check.ts";
import type { Application, ApplicationConfig } from "../../../core/config/types.ts";
import { epochAt, stateAt } from "../../../core/keys/epoch.ts";
import { type EndedKey, isZeroed, type KeyRow } from "../../../core/keys/key_row.ts";
import type { KeyEvent, RotationContext } from "../../../core/keys/rotation.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import { ENDED_KEYS, ORDINALS, SIGNING_KEYS } from "../../../core/keys/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { tokenKeyId, truncatedKeyId } from "../../../core/token/token.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import type { RandomSource } from "../../../core/base/random.ts";
import type { Suite } from "../../../core/voprf/suite.ts";

/** The epoch that most tests start in: 2027-01-15 00:00 UTC. */
export const EPOCH = 20_833;
/** A moment in it: 10:20:30 UTC, in Unix seconds. */
export const NOW = EPOCH * 86_400 + 37_230;
/** A sealing key of tests. */
export const SEAL_KEY: Uint8Array<ArrayBuffer> = new Uint8Array(32).fill(7);

/** Fresh bytes of the platform's cryptographic source. */
export const platformRandom: RandomSource = (length) => crypto.getRandomValues(new Uint8Array(length));

/** An application `notes` with its defaults filled in. */
export function applicationOf(changes: Partial<ApplicationConfig> = {}, id = "notes"): Application {
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } } as const;
  const config = {
    issuer: "telemetry.example",
    applications: { [id]: { session, events: {}, ...changes } },
  };
  return checkConfig(config, { development: true }).applications.get(id)!;
}

/** What a context is made with, where the defaults do not do. */
export interface ContextOptions {
  readonly sealKeys?: readonly Uint8Array<ArrayBuffer>[];
  readonly random?: RandomSource;
  readonly suite?: Suite;
  readonly onKeyEvent?: (event: KeyEvent) => void;
}

/** A rotation context on a database. */
export async function contextOn(kv: Deno.Kv, options: ContextOptions = {}): Promise<RotationContext> {
  const random = options.random ?? platformRandom;
  return {
    store: storeOver(kv),
    region: "local",
    sealer: await Sealer.of(options.sealKeys ?? [SEAL_KEY], random),
    suites: (name) => options.suite ?? (name === "P384-SHA384" ? nobleP384 : nobleRistretto255),
    random,
    confirmedSeconds: () => Infinity,
    onKeyEvent: options.onKeyEvent,
  };
}

/** Every value under a selector. */
export async function valuesOf<T>(kv: Deno.Kv, selector: Deno.KvListSelector): Promise<T[]> {
  return (await Array.fromAsync(kv.list<T>(selector))).map(({ value }) => value);
}

/** Every key that has a row, in order. */
export function rowsOf(kv: Deno.Kv, app = "notes"): Promise<KeyRow[]> {
  return valuesOf<KeyRow>(kv, SIGNING_KEYS.prefix(app, "local"));
}

/**
 * What must hold of an application's keys after any run that came to its end at `nowSeconds`, whatever happened before:
 * one key for each epoch of the horizon, nothing left of what is over, nothing without its other half.
 */
export async function assertInOrder(kv: Deno.Kv, app: Application, nowSeconds: number): Promise<void> {
  const rows = await rowsOf(kv, app.id);
  const current = epochAt(app, nowSeconds);
  for (let epoch = current; epoch <= current + app.horizonEpochs; epoch++) {
    const live = rows.filter((row) => row.epoch === epoch && row.revokedAt === undefined);
    assert(live.length >= 1, `epoch ${epoch} has no key`);
    const names = rows.filter((row) => row.epoch === epoch).map(({ generation }) => generation);
    assertEquals(names, names.map((_, index) => index), "generations have no gap and no double");
  }
  for (const row of rows) {
    assert(stateAt(row, nowSeconds) !== "over", "a key that is over has a row");
    assertEquals(
      isZeroed(row),
      row.revokedAt !== undefined,
      "a secret is there while its key is, and no longer",
    );
  }
  assertEquals(
    (await Array.fromAsync(kv.list({ prefix: ["a"] }))).map(({ key }) => key[1]).toSorted(),
    rows.filter((row) => row.revokedAt === undefined).map((row) => row.ordinal).toSorted(),
    "alive rows and keys belong together",
  );
  const ordinals = rows.map((row) => row.ordinal);
  assertEquals(new Set(ordinals).size, ordinals.length, "two keys have one ordinal");
  const next = (await kv.get<number>(ORDINALS.key())).value!;
  assert(ordinals.every((ordinal) => ordinal < next), "an ordinal could be given again");
  const truncated = rows.map((row) => truncatedKeyId(tokenKeyId(row.publicKey)));
  assertEquals(new Set(truncated).size, truncated.length, "two keys have one truncated id");
  const endedKeys = await Array.fromAsync(kv.list<EndedKey>(ENDED_KEYS.all()));
  for (const { value } of endedKeys) assert(nowSeconds < value.claimsAfter, "an ended key is overdue");
  const may = {
    quotas: new Set(rows.filter((row) => row.revokedAt === undefined).map((row) => row.ordinal)),
    claims: new Set([...ordinals, ...endedKeys.map(({ key }) => key[1] as number)]),
  };
  for (const [family, owners] of [["q", may.quotas], ["c", may.claims]] as const) {
    for await (const { key } of kv.list({ prefix: [family] })) {
      const packed = key[1] as Uint8Array;
      const ordinal = new DataView(packed.buffer, packed.byteOffset).getUint32(0);
      assert(owners.has(ordinal), `a row of family ${family} has outlived key ${ordinal}`);
    }
  }
}

/** A process was killed, as far as its database is concerned. */
export class Killed extends Error {}

/**
 * A view of a database that dies with its process: `commits` go through, the next one ends it, before it lands or (with
 * `landing`) after, and from then on nothing is answered.
 */
export function dyingKv(kv: Deno.Kv, commits: number, landing: boolean): Deno.Kv {
  let left = commits;
  let dead = false;
  const live = () => {
    if (dead) throw new Killed();
    return kv;
  };
  const atomic = () => {
    const inner = live().atomic();
    const operation = {
      check: (...checks: Deno.AtomicCheck[]) => (inner.check(...checks), operation),
      set: (key: Deno.KvKey, value: unknown) => (inner.set(key, value), operation),
      delete: (key: Deno.KvKey) => (inner.delete(key), operation),
      commit: async () => {
        live();
        if (left-- > 0) return await inner.commit();
        dead = true;
        if (landing) await inner.commit();
        throw new Killed();
      },
    };
    return operation;
  };
  return {
    atomic,
    get: async (key: Deno.KvKey) => await live().get(key),
    getMany: async (keys: Deno.KvKey[]) => await live().getMany(keys),
    list: (selector: Deno.KvListSelector, options?: Deno.KvListOptions) => live().list(selector, options),
  } as unknown as Deno.Kv;
}
