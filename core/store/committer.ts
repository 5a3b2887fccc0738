/**
 * Group commit: claims and records that arrive together go out as one atomic commit, as soon as the previous one
 * returns. The promise it keeps: a use is claimed once, together with its record, or not at all.
 *
 * Facts this file rests on: commits get faster in groups and not with concurrency; two identical check-absent + set
 * pairs in one commit both pass; a commit that throws or hangs may still land, and the KV Connect client repeats writes
 * silently. So every claim is guarded by its own check, and it is known only after `ok` or a read-back.
 *
 * @module
 */
import { concat, equalPublic, u32 } from "../bytes.ts";
import { Refusal } from "../errors.ts";
import type { RandomSource } from "../voprf/suite.ts";
import { keySpace, type Store, storeUnavailable, withDeadline } from "./kv.ts";
import { packRecords } from "./pack_records.ts";
import { RecentClaims } from "./recent_claims.ts";

/** One use of a token to be claimed, with the record that goes with it. */
export interface ClaimRequest {
  /** Packed id of the claim, 22 bytes. */
  readonly id: Uint8Array;
  /** The first 16 bytes of the MAC: tells this very request from another one. */
  readonly tag: Uint8Array;
  /** The signing key's ordinal. */
  readonly ordinal: number;
  /** The versionstamp of the key's alive row when it was read. */
  readonly aliveVersionstamp: string;
  /** The application's id. */
  readonly app: string;
  /** The day of arrival, days since 1970. */
  readonly day: number;
  /** The record, at most 60 KiB; absent where another server keeps it. */
  readonly record?: Uint8Array;
}

/** What became of a claim. `key_over`: the key was revoked or destroyed. */
export type ClaimOutcome = "accepted" | "replayed" | "taken" | "key_over";

/** How a {@linkcode Committer} behaves. */
export interface CommitterOptions {
  /** Requests that may wait; beyond it `overloaded`. 4096 by default. */
  readonly maxWaiting?: number;
  /** Bytes of records that may wait; beyond it `overloaded`. 32 MiB by default. */
  readonly maxWaitingBytes?: number;
  /** Commits under way at once: 1 for a file (more do not help), a few for a store behind a network. */
  readonly maxInFlight?: number;
  /** Claims remembered as known; 100,000 by default. */
  readonly maxRecent?: number;
  /** Is told of each commit that returned: how many claims it had, how long it took, whether it went through. */
  readonly onCommit?: (claims: number, milliseconds: number, ok: boolean) => void;
}

interface Entry {
  readonly request: ClaimRequest;
  readonly name: string;
  readonly token: string;
  readonly bytes: number;
  readonly enqueuedAt: number;
  readonly settled: Promise<ClaimOutcome>;
  readonly resolve: (outcome: ClaimOutcome) => void;
  readonly reject: (error: Refusal) => void;
  tries: number;
}

// KV's limits are 100 checks, 1000 mutations and 800 KiB a commit.
const MAX_CHECKS = 100;
const MAX_GROUP_BYTES = 640 * 1024;
const MAX_TRIES = 4;
// Commits that were given up on and have not settled; beyond it the store counts as down until it answers a probe.
const MAX_ABANDONED = 4;
const PROBE_EVERY_MS = 500;

/** Puts claims and records into the store, grouped. One instance a process. */
export class Committer {
  readonly #queues = new Map<string, Entry[]>();
  readonly #active = new Map<string, Entry>();
  readonly #recent: RecentClaims;
  readonly #maxWaiting: number;
  readonly #maxWaitingBytes: number;
  readonly #maxInFlight: number;
  #waiting = 0;
  #waitingBytes = 0;
  #inFlight = 0;
  #abandoned = new Set<Promise<unknown>>();
  #down = false;
  #probedAt = -Infinity;
  #idle: (() => void)[] = [];

  /** Commits to `store`; `random` makes row ids and shuffles. */
  constructor(
    private readonly store: Store,
    private readonly random: RandomSource,
    private readonly options: CommitterOptions = {},
  ) {
    this.#maxWaiting = options.maxWaiting ?? 4_096;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 32 * 1024 * 1024;
    this.#maxInFlight = options.maxInFlight ?? 1;
    this.#recent = new RecentClaims(options.maxRecent ?? 100_000);
  }

  /** Requests that wait or are under way. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether the store counts as down. */
  get down(): boolean {
    return this.#down;
  }

  /**
   * Refuses before anything costly is done when there is no room, or when the store is down.
   * @throws {Refusal} `overloaded` or `store_unavailable`.
   */
  admit(): void {
    if (this.#down) {
      this.#probe();
      throw storeUnavailable();
    }
    if (this.#waiting >= this.#maxWaiting || this.#waitingBytes >= this.#maxWaitingBytes) {
      throw new Refusal("overloaded", "The service is busy; try again shortly.", { retryAfterSeconds: 1 });
    }
  }

  /**
   * Claims a use and stores its record, or says why not.
   * @throws {Refusal} `overloaded`, or `store_unavailable` when the outcome is unknown.
   */
  async submit(request: ClaimRequest): Promise<ClaimOutcome> {
    const name = binary(request.id);
    const known = this.#recent.get(name);
    if (known !== undefined) return equalPublic(known, request.tag) ? "replayed" : "taken";
    this.admit();
    const active = this.#active.get(name);
    if (active !== undefined) return await this.#follow(active, request);
    const entry = this.#enqueue(request, name);
    this.#pump();
    return await entry.settled;
  }

  /** Resolves when nothing waits and nothing is under way. */
  drain(): Promise<void> {
    if (this.#active.size === 0 && this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #enqueue(request: ClaimRequest, name: string): Entry {
    const { promise, resolve, reject } = Promise.withResolvers<ClaimOutcome>();
    const entry: Entry = {
      request,
      name,
      token: name.slice(0, 20),
      bytes: 64 + (request.record?.length ?? 0),
      enqueuedAt: performance.now(),
      settled: promise,
      resolve,
      reject,
      tries: 0,
    };
    this.#active.set(name, entry);
    this.#waiting++;
    this.#waitingBytes += entry.bytes;
    this.#push(entry);
    return entry;
  }

  /** At most one request per claim is in a group or under way: a later one waits for that one's outcome. */
  async #follow(active: Entry, request: ClaimRequest): Promise<ClaimOutcome> {
    this.#waiting++;
    try {
      const outcome = await active.settled;
      if (outcome === "key_over") return outcome;
      const known = this.#recent.get(active.name);
      if (known === undefined) throw storeUnavailable();
      return equalPublic(known, request.tag) ? "replayed" : "taken";
    } finally {
      this.#waiting--;
    }
  }

  #push(entry: Entry): void {
    const queue = this.#queues.get(entry.token);
    if (queue === undefined) this.#queues.set(entry.token, [entry]);
    else queue.push(entry);
  }

  #pump(): void {
    while (this.#inFlight < this.#maxInFlight && this.#queues.size > 0) {
      const group = this.#takeGroup();
      if (group.length === 0) continue;
      this.#inFlight++;
      this.#commit(group).finally(() => {
        this.#inFlight--;
        this.#pump();
      });
    }
    if (this.#inFlight === 0 && this.#active.size === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** One entry of each token in turn, until the group is full: no token can crowd out the others. */
  #takeGroup(): Entry[] {
    const group: Entry[] = [];
    const keys = new Set<number>();
    const givenUpBefore = performance.now() - this.store.deadlineMs;
    let bytes = 0;
    while (this.#queues.size > 0) {
      const [token, queue] = this.#queues.entries().next().value!;
      const entry = queue[0]!;
      const checks = group.length + 1 + keys.size + (keys.has(entry.request.ordinal) ? 0 : 1);
      if (checks > MAX_CHECKS || (group.length > 0 && bytes + entry.bytes > MAX_GROUP_BYTES)) break;
      queue.shift();
      this.#queues.delete(token);
      if (queue.length > 0) this.#queues.set(token, queue);
      if (entry.enqueuedAt < givenUpBefore) {
        this.#fail(entry);
        continue;
      }
      keys.add(entry.request.ordinal);
      bytes += entry.bytes;
      group.push(entry);
    }
    return group;
  }

  async #commit(group: Entry[]): Promise<void> {
    const startedAt = performance.now();
    const commit = this.#write(group);
    let ok: boolean;
    try {
      ok = (await withDeadline(commit, this.store.deadlineMs)).ok;
    } catch {
      this.options.onCommit?.(group.length, performance.now() - startedAt, false);
      await this.#outcomeUnknown(group, commit, performance.now() - startedAt);
      return;
    }
    this.options.onCommit?.(group.length, performance.now() - startedAt, ok);
    if (ok) { for (const entry of group) this.#know(entry, entry.request.tag, "accepted"); }
    else await this.#findGuilty(group);
  }

  async #write(group: Entry[]): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    const operation = this.store.kv.atomic();
    for (const [ordinal, versionstamp] of aliveRows(group)) {
      operation.check({ key: keySpace.alive(ordinal), versionstamp });
    }
    for (const row of packRecords(group.map((entry) => entry.request), this.random)) {
      operation.set(keySpace.log(row.app, row.day, this.random(12)), row.bytes);
    }
    for (const { request } of group) {
      const key = keySpace.claim(request.id);
      operation.check({ key, versionstamp: null });
      operation.set(key, concat(request.tag, u32(request.day)));
    }
    return await operation.commit();
  }

  /** A check failed: those whose claim or key is the reason are answered, the others go out again. */
  async #findGuilty(group: Entry[]): Promise<void> {
    const alive = [...aliveRows(group)];
    let claims: Deno.KvEntryMaybe<Uint8Array>[];
    let keys: Deno.KvEntryMaybe<unknown>[];
    try {
      [claims, keys] = await Promise.all([
        this.store.getMany<Uint8Array>(group.map((entry) => keySpace.claim(entry.request.id))),
        this.store.getMany<unknown>(alive.map(([ordinal]) => keySpace.alive(ordinal))),
      ]);
    } catch {
      for (const entry of group) this.#fail(entry);
      return;
    }
    const current = new Map(alive.map(([ordinal], index) => [ordinal, keys[index]!.versionstamp]));
    for (const [index, entry] of group.entries()) {
      const claim = claims[index]!.value;
      if (claim !== null) {
        const tag = claim.slice(0, 16);
        this.#know(entry, tag, equalPublic(tag, entry.request.tag) ? "replayed" : "taken");
      } else if (current.get(entry.request.ordinal) !== entry.request.aliveVersionstamp) {
        this.#settle(entry);
        entry.resolve("key_over");
      } else this.#again(entry);
    }
  }

  /** The commit threw or did not answer. Trying again is safe, since every claim carries its own check. */
  async #outcomeUnknown(group: Entry[], commit: Promise<unknown>, milliseconds: number): Promise<void> {
    if (milliseconds >= this.store.deadlineMs) {
      this.#abandoned.add(commit);
      commit.catch(() => {}).finally(() => this.#abandoned.delete(commit));
      if (this.#abandoned.size >= MAX_ABANDONED) this.#goDown();
      for (const entry of group) this.#fail(entry);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5 + 20 * group[0]!.tries));
    for (const entry of group) this.#again(entry);
  }

  #again(entry: Entry): void {
    entry.tries++;
    if (entry.tries >= MAX_TRIES) this.#fail(entry);
    else this.#push(entry);
  }

  #know(entry: Entry, tag: Uint8Array, outcome: ClaimOutcome): void {
    this.#recent.set(entry.name, tag);
    this.#settle(entry);
    entry.resolve(outcome);
  }

  #fail(entry: Entry): void {
    this.#settle(entry);
    // A request that waits for this one hears of it through the same promise.
    entry.settled.catch(() => {});
    entry.reject(storeUnavailable());
  }

  #settle(entry: Entry): void {
    this.#active.delete(entry.name);
    this.#waiting--;
    this.#waitingBytes -= entry.bytes;
  }

  /** Nothing more is sent to a store that has stopped answering, so that memory cannot grow; a probe ends it. */
  #goDown(): void {
    this.#down = true;
    for (const queue of this.#queues.values()) for (const entry of queue) this.#fail(entry);
    this.#queues.clear();
    this.#probe();
  }

  #probe(): void {
    const now = performance.now();
    if (now - this.#probedAt < PROBE_EVERY_MS) return;
    this.#probedAt = now;
    this.store.get(keySpace.probe()).then(() => {
      this.#down = false;
      this.#abandoned.clear();
    }, () => {});
  }
}

function aliveRows(group: Entry[]): Map<number, string> {
  // An alive row is written once, so all who have seen it saw the same versionstamp.
  return new Map(group.map(({ request }) => [request.ordinal, request.aliveVersionstamp]));
}

function binary(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
