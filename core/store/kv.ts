/**
 * Deno KV with deadlines, and the one place where keys are spelled.
 *
 * Facts this file rests on: no KV call has a timeout of its own; a throwing commit does not mean that nothing happened;
 * getMany takes 10 keys; there is no `expireIn` here, since rows that expire together block every commit.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, u16, u32 } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";
import { Breaker, StoreUnavailable } from "./breaker.ts";

/** The key space. Families have one letter each, since short keys are measurably faster, and two where few rows are. */
export const keySpace = {
  /** The counter from which key ordinals come: u32 as number. */
  ordinals: (): Deno.KvKey => ["o"],
  /** A signing key: KeyRow. */
  key: (app: string, region: string, epoch: number, generation: number): Deno.KvKey => [
    "k",
    app,
    region,
    epoch,
    generation,
  ],
  /** All signing keys of an application in a region. */
  keysOf: (app: string, region: string): Deno.KvListSelector => ({ prefix: ["k", app, region] }),
  /** All signing keys of an application, whatever their region. */
  keysOfAnyRegion: (app: string): Deno.KvListSelector => ({ prefix: ["k", app] }),
  /** Seconds up to which keys of an application have ended: none that would end before is ever made again. */
  ended: (app: string, region: string): Deno.KvKey => ["e", app, region],
  /** Something sealed under the newest sealing key: whoever cannot open it has the wrong sealing keys. */
  sealProof: (): Deno.KvKey => ["v"],
  /** All signing keys. */
  allKeys: (): Deno.KvListSelector => ({ prefix: ["k"] }),
  /** Written once when a key is made and deleted first when it ends. */
  alive: (ordinal: number): Deno.KvKey => ["a", ordinal],
  /** A key that ended and whose quota rows and claims are still to be swept: EndedKey. */
  endedKey: (ordinal: number): Deno.KvKey => ["d", ordinal],
  /** All of them. */
  allEndedKeys: (): Deno.KvListSelector => ({ prefix: ["d"] }),
  /** What a client (16-byte tag) was granted under a key: QuotaRow. */
  quota: (ordinal: number, tag: Uint8Array): Deno.KvKey => ["q", concat(u32(ordinal), tag)],
  /** All quota rows of a key. */
  quotasOf: (ordinal: number): Deno.KvListSelector => byOrdinal("q", ordinal),
  /** A claim from its packed id (see {@linkcode claimId}): core/ledger/claim_row.ts. */
  claim: (id: Uint8Array): Deno.KvKey => ["c", id],
  /** All claims of a key. */
  claimsOf: (ordinal: number): Deno.KvListSelector => byOrdinal("c", ordinal),
  /** All claims. */
  allClaims: (): Deno.KvListSelector => ({ prefix: ["c"] }),
  /** The shuffled records of one commit and hour: NDJSON bytes. The id is {@linkcode logRowId}'s. */
  log: (app: string, day: number, id: Uint8Array): Deno.KvKey => ["l", app, day, id],
  /** All log rows of a day. */
  logsOf: (app: string, day: number): { prefix: Deno.KvKey } => ({ prefix: ["l", app, day] }),
  /** The log rows of a day that arrived before an hour (1..23) of it. */
  logsBefore: (app: string, day: number, hour: number): Deno.KvListSelector => ({
    prefix: ["l", app, day],
    end: ["l", app, day, Uint8Array.of(hour)],
  }),
  /** All log rows of an application. */
  allLogsOf: (app: string): Deno.KvListSelector => ({ prefix: ["l", app] }),
  /** Where the log rows of an application from a day on begin and end. */
  logsFrom: (app: string, day: number): Deno.KvListSelector => ({
    start: ["l", app, day],
    end: ["l", app, Number.MAX_SAFE_INTEGER],
  }),
  /** Shuffled records of many commits: u32 count, then deflated NDJSON. */
  segment: (app: string, day: number, id: Uint8Array): Deno.KvKey => ["g", app, day, id],
  /** All segments of a day. */
  segmentsOf: (app: string, day: number): Deno.KvListSelector => ({ prefix: ["g", app, day] }),
  /** Where the segments of an application from a day on begin and end. */
  segmentsFrom: (app: string, day: number): Deno.KvListSelector => ({
    start: ["g", app, day],
    end: ["g", app, Number.MAX_SAFE_INTEGER],
  }),
  /** All segments of an application. */
  allSegmentsOf: (app: string): Deno.KvListSelector => ({ prefix: ["g", app] }),
  /** What was swept or moved of a day: TallyRow. */
  tally: (app: string, day: number): Deno.KvKey => ["t", app, day],
  /** All tallies of an application. */
  talliesOf: (app: string): Deno.KvListSelector => ({ prefix: ["t", app] }),
  /** All tallies. */
  allTallies: (): Deno.KvListSelector => ({ prefix: ["t"] }),
  /** What one process counted in an hour (hours since 1970) for an application: counts by series. */
  counters: (hour: number, app: string, process: string): Deno.KvKey => ["n", hour, app, process],
  /** All counters of the hours from..to, both included. */
  countersOf: (from: number, to: number): Deno.KvListSelector => ({ start: ["n", from], end: ["n", to + 1] }),
  /** On a log server: a key of an ACS elsewhere, under which uses are stored: RemoteKeyRow. */
  remoteKey: (app: string, keyId: Uint8Array): Deno.KvKey => ["b", app, keyId],
  /** All of an application. */
  remoteKeysOf: (app: string): Deno.KvListSelector => ({ prefix: ["b", app] }),
  /** All of them. */
  allRemoteKeys: (): Deno.KvListSelector => ({ prefix: ["b"] }),
  /** On a log server: the key under which it tells an ACS elsewhere of its clients, 32 bytes. */
  clientSecret: (): Deno.KvKey => ["h"],
  /** What was measured of an event's risk on a day: RiskDayRow. */
  riskDay: (app: string, day: number, event: string): Deno.KvKey => ["rd", app, day, event],
  /** The same of the days from..to, both included. */
  riskDaysOf: (app: string, from: number, to: number): Deno.KvListSelector => ({
    start: ["rd", app, from],
    end: ["rd", app, to + 1],
  }),
  /** An entry of the audit log by its number: JSON bytes. */
  auditEntry: (number: number): Deno.KvKey => ["u", number],
  /** The whole trail. */
  allAuditEntries: (): Deno.KvListSelector => ({ prefix: ["u"] }),
  /** The trail before a number. */
  auditEntriesBefore: (number: number): Deno.KvListSelector => ({ start: ["u", 0], end: ["u", number] }),
  /** The number and digest of the trail's last entry. */
  auditHead: (): Deno.KvKey => ["w"],
  /** A session of the console that was ended before its time: its end, Unix seconds. */
  endedSession: (id: string): Deno.KvKey => ["y", id],
  /** All of them. */
  endedSessions: (): Deno.KvListSelector => ({ prefix: ["y"] }),
  /** The sealed secret from which the hash keys of the risk sketches come. */
  monitorSecret: (): Deno.KvKey => ["m"],
  /** A chunk of a risk sketch: core/privacy/sketch/khll_codec.ts. */
  sketch: (sketch: SketchName, chunks: number, chunk: number): Deno.KvKey => [
    ...keySpace.sketchOf(sketch).prefix,
    chunks,
    chunk,
  ],
  /** All chunks of a risk sketch. */
  sketchOf: ({ app, period, event, layout, dimension }: SketchName): { prefix: Deno.KvKey } => ({
    prefix: ["r", app, period, event, layout, dimension],
  }),
  /** All chunks of all sketches of an application. */
  sketchesOf: (app: string): Deno.KvListSelector => ({ prefix: ["r", app] }),
  /** The chunks of the periods before one. */
  sketchesBefore: (app: string, period: number): Deno.KvListSelector => ({
    prefix: ["r", app],
    end: ["r", app, period],
  }),
  /** What the risk monitor decided about an event, or about a field of it (empty: the event): RiskRow. */
  risk: (app: string, event: string, field: string): Deno.KvKey => ["x", app, event, field],
  /** All decisions of the risk monitor about an application. */
  risksOf: (app: string): Deno.KvListSelector => ({ prefix: ["x", app] }),
  /** An alert, by what it is about, so that the same one is raised once: AlertRow. */
  alert: (app: string, subject: readonly Deno.KvKeyPart[]): Deno.KvKey => ["z", app, ...subject],
  /** All alerts of an application. */
  alertsOf: (app: string): Deno.KvListSelector => ({ prefix: ["z", app] }),
  /** All alerts. */
  allAlerts: (): Deno.KvListSelector => ({ prefix: ["z"] }),
  /** The first day that is released of an application. */
  releasesSince: (app: string): Deno.KvKey => ["i", app],
  /** A release: part 0 is its ReleaseRow, the others are its figures. */
  release: (
    app: string,
    day: number,
    query: string,
    part: number,
  ): Deno.KvKey => ["i", app, day, query, part],
  /** All parts of a release. */
  releaseParts: (app: string, day: number, query: string): Deno.KvListSelector => ({
    prefix: ["i", app, day, query],
  }),
  /** The releases of an application of the days from..to, both included. */
  releasesOf: (app: string, from: number, to: number): Deno.KvListSelector => ({
    start: ["i", app, from],
    end: ["i", app, to + 1],
  }),
  /** What releases of a day have cost: BudgetRow. */
  budget: (app: string, day: number): Deno.KvKey => ["j", app, day],
  /** The same of the days from..to, both included. */
  budgetsOf: (app: string, from: number, to: number): Deno.KvListSelector => ({
    start: ["j", app, from],
    end: ["j", app, to + 1],
  }),
  /** Rewritten by everybody who pays, so that of two who pay at once one fails: an empty string. */
  budgetGuard: (app: string): Deno.KvKey => ["j", app, "guard"],
  /** A row that nobody writes: reading it tells whether the store answers. */
  probe: (): Deno.KvKey => ["p"],
  /** A row that is written for the versionstamp that comes back: where the audit draws its line. */
  fence: (): Deno.KvKey => ["f"],
};

/** Which risk sketch: one dimension of one layout of one event, in one pseudonym period. */
export interface SketchName {
  /** The application's id. */
  readonly app: string;
  /** The number of the pseudonym period. */
  readonly period: number;
  /** The event's name. */
  readonly event: string;
  /** The layout's id. */
  readonly layout: string;
  /** The dimension's name; empty for the sketch of all people. */
  readonly dimension: string;
}

function byOrdinal(family: string, ordinal: number): Deno.KvListSelector {
  return {
    start: [family, u32(ordinal)],
    end: ordinal === 0xffffffff ? [family, new Uint8Array(5).fill(0xff)] : [family, u32(ordinal + 1)],
  };
}

/** The id of a log row: the hour of arrival and 11 random bytes, so that rows lie by hour and in no order within it. */
export function logRowId(hour: number, random: RandomSource): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(hour), random(11));
}

/** Bytes of a {@linkcode claimId}. */
export const CLAIM_ID_LENGTH = 22;

/** A claim's packed id: u32 ordinal | digest[0..16] | u16 use, 22 bytes. The digest is {@linkcode useDigest}'s. */
export function claimId(ordinal: number, digest: Uint8Array, use: number): Uint8Array<ArrayBuffer> {
  return concat(u32(ordinal), digest.subarray(0, 16), u16(use));
}

/**
 * SHA-256(nonce | u16 use): what names a use of a token in the store. It covers the use, so that the claims of one token
 * share nothing there: how many a token has, and when, would be as good as a name to somebody who compares them with
 * what is recorded under a pseudonym.
 */
export function useDigest(nonce: Uint8Array, use: number): Uint8Array {
  return sha256(concat(nonce, u16(use)));
}

export { StoreUnavailable };

/** Thrown when the store does not answer in time or not at all: the outcome of a write is unknown. */
export function storeUnavailable(): StoreUnavailable {
  return new StoreUnavailable("failed");
}

/** How a {@linkcode Store} behaves. */
export interface StoreOptions {
  /** Milliseconds after which a call counts as unanswered; 2000 by default. */
  readonly deadlineMs?: number;
  /** Hears of each call that had no result, with the error of one that threw. */
  readonly onFault?: (fault: StoreUnavailable) => void;
}

/** Deno KV in which every call has a deadline and fails with {@linkcode StoreUnavailable}. */
export class Store {
  /** Milliseconds after which a call counts as unanswered. */
  readonly deadlineMs: number;
  /** Holds back reads while the store does not answer them. */
  readonly reads: Breaker = new Breaker();
  /** Holds back commits while the store does not answer them: reads may work where commits hang. */
  readonly writes: Breaker = new Breaker();

  /** Wraps an open database. */
  constructor(readonly kv: Deno.Kv, private readonly options: StoreOptions = {}) {
    this.deadlineMs = options.deadlineMs ?? 2_000;
  }

  /** One row. */
  get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    return this.#call(this.reads, () => this.kv.get<T>(key));
  }

  /** Many rows, in the order of `keys`. Not one snapshot beyond ten keys. */
  async getMany<T>(keys: readonly Deno.KvKey[]): Promise<Deno.KvEntryMaybe<T>[]> {
    const batches: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
    for (let at = 0; at < keys.length; at += 10) {
      batches.push(this.#call(this.reads, () => this.kv.getMany<T[]>(keys.slice(at, at + 10))));
    }
    return (await Promise.all(batches)).flat();
  }

  /**
   * Rows in order of their keys, read in pages of `batchSize` (100 by default), each with the deadline. Only a page is
   * one snapshot.
   */
  async *list<T>(
    selector: Deno.KvListSelector,
    options: Deno.KvListOptions = {},
  ): AsyncGenerator<Deno.KvEntry<T>> {
    const { batchSize = 100, limit = Infinity, cursor } = options;
    for (let left = limit, next = cursor ?? ""; left > 0;) {
      const size = Math.min(batchSize, left);
      const page = await this.#call(this.reads, async () => {
        const rows = this.kv.list<T>(selector, { ...options, limit: size, batchSize: size, cursor: next });
        const entries = await Array.fromAsync(rows);
        return { entries, cursor: rows.cursor };
      });
      yield* page.entries;
      if (page.entries.length < size) return;
      left -= size;
      next = page.cursor;
    }
  }

  /** Commits what `build` puts together. Gives the versionstamp, or undefined when a check failed. */
  async commit(build: (operation: Deno.AtomicOperation) => void): Promise<string | undefined> {
    const operation = this.kv.atomic();
    build(operation);
    const result = await this.#call(this.writes, () => operation.commit());
    return result.ok ? result.versionstamp : undefined;
  }

  /** Closes the database. */
  close(): void {
    this.kv.close();
  }

  async #call<T>(breaker: Breaker, begin: () => Promise<T>): Promise<T> {
    try {
      return await breaker.call(begin, this.deadlineMs);
    } catch (error) {
      this.options.onFault?.(error as StoreUnavailable);
      throw error;
    }
  }
}
