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
import { ByteLru, randomSeed } from "../base/byte_lru.ts";
import { binaryText, equalPublic } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import type { RandomSource } from "../base/random.ts";
import { StoreUnavailable } from "../store/breaker.ts";
import { type ClaimRequest, readGroup, writeGroup } from "./claim_group.ts";
import { TAG_LENGTH } from "./claim_row.ts";
import { FairQueue } from "./fair_queue.ts";
import { CLAIM_ID_LENGTH } from "./row_ids.ts";
import type { Store } from "../store/store.ts";

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

/** What became of a claim, and under which tag it stands where it does. */
interface Settled {
  readonly outcome: ClaimOutcome;
  readonly tag?: Uint8Array;
}

interface Entry {
  readonly request: ClaimRequest;
  readonly name: string;
  readonly lane: string;
  readonly bytes: number;
  readonly giveUpAt: number;
  readonly settled: Promise<Settled>;
  readonly resolve: (settled: Settled) => void;
  readonly reject: (error: StoreUnavailable) => void;
}

// KV's limits are 100 checks, 1000 mutations and 800 KiB a commit; a self-hosted denokv takes 10 checks.
const MAX_CHECKS = 100;
const LEAST_MAX_CHECKS = 10;
const MAX_GROUP_BYTES = 640 * 1024;
/** What a waiting request is charged besides its record. */
const ENTRY_BYTES = 512;
/** A commit that threw is tried again as it was so many times, then claim by claim. */
const MAX_ATTEMPTS = 3;
/** Claims in a row whose own commits threw, after which the fault is the store's and not theirs. */
const MAX_LONE_FAILURES = 3;
/** Bytes of a claim's packed id before the use. */
const LANE_BYTES = 20;

/** Puts claims and records into the store, grouped. One instance a process. */
export class Committer {
  readonly #queue = new FairQueue<Entry>();
  readonly #active = new Map<string, Entry>();
  /** Claims that are known to stand, with their tags: whoever repeats them on purpose costs the others nothing. */
  readonly #recent: ByteLru;
  readonly #maxWaiting: number;
  readonly #maxWaitingBytes: number;
  readonly #maxInFlight: number;
  #waiting = 0;
  #waitingBytes = 0;
  #inFlight = 0;
  #maxChecks = MAX_CHECKS;
  #pumping = false;
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
    this.#recent = new ByteLru({
      keyLength: CLAIM_ID_LENGTH,
      valueLength: TAG_LENGTH,
      capacity: options.maxRecent ?? 100_000,
      seed: randomSeed(random),
    });
  }

  /** Requests that wait or are under way. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Refuses before anything costly is done when there is no room, or when the store has stopped answering.
   * @throws {Refusal} `overloaded` or `store_unavailable`.
   */
  admit(): void {
    if (this.store.writes.refuses) throw new StoreUnavailable("refused");
    if (this.#waiting >= this.#maxWaiting || this.#waitingBytes >= this.#maxWaitingBytes) {
      throw new Refusal("overloaded", "The service is busy; try again shortly.", { retryAfterSeconds: 1 });
    }
  }

  /**
   * Claims a use and stores its record, or says why not.
   * @throws {Refusal} `overloaded`, or `store_unavailable` when the outcome is unknown.
   */
  async submit(request: ClaimRequest): Promise<ClaimOutcome> {
    const known = this.#recent.get(request.id);
    if (known !== undefined) return compare(known, request);
    this.admit();
    const name = binaryText(request.id);
    const bytes = ENTRY_BYTES + (request.record?.length ?? 0);
    this.#waiting++;
    this.#waitingBytes += bytes;
    try {
      // At most one request per claim is in a group or under way: a later one waits for that one's outcome.
      const active = this.#active.get(name);
      const settled = await (active ?? this.#enqueue(request, name, bytes)).settled;
      if (active === undefined || settled.outcome === "key_over") return settled.outcome;
      return compare(settled.tag, request);
    } finally {
      this.#waiting--;
      this.#waitingBytes -= bytes;
    }
  }

  /** Resolves when nothing waits and nothing is under way. */
  drain(): Promise<void> {
    if (this.#active.size === 0 && this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #enqueue(request: ClaimRequest, name: string, bytes: number): Entry {
    const { promise: settled, resolve, reject } = Promise.withResolvers<Settled>();
    const giveUpAt = performance.now() + this.store.deadlineMs;
    const lane = request.lane ?? name.slice(0, LANE_BYTES);
    const entry: Entry = { request, name, lane, bytes, giveUpAt, settled, resolve, reject };
    this.#active.set(name, entry);
    this.#queue.push(lane, entry);
    this.#pumpSoon();
    return entry;
  }

  /**
   * Once the event loop has come round: whatever has arrived by then is in the group. It costs an idle service some
   * microseconds, and saves a busy one most of its commits.
   */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#inFlight < this.#maxInFlight && !this.#queue.empty) {
      const group = this.#takeGroup();
      if (group.length === 0) continue;
      this.#inFlight++;
      this.#settleGroup(group).finally(() => {
        this.#inFlight--;
        this.#pumpSoon();
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
    let bytes = 0;
    for (let entry = this.#queue.peek(); entry !== undefined; entry = this.#queue.peek()) {
      const checks = group.length + 1 + keys.size + (keys.has(entry.request.ordinal) ? 0 : 1);
      if (checks > this.#maxChecks || (group.length > 0 && bytes + entry.bytes > MAX_GROUP_BYTES)) break;
      this.#queue.shift();
      keys.add(entry.request.ordinal);
      bytes += entry.bytes;
      group.push(entry);
    }
    return this.#giveUpOld(group);
  }

  /** Those that have waited for too long are answered; the others go on. */
  #giveUpOld(group: Entry[]): Entry[] {
    const now = performance.now();
    const old = group.filter((entry) => entry.giveUpAt <= now);
    if (old.length === 0) return group;
    this.#fail(old, new StoreUnavailable("late"));
    return group.filter((entry) => entry.giveUpAt > now);
  }

  /**
   * Commits a group until each of its claims is answered. Trying again is safe whatever became of the commit before,
   * since every claim carries its own check. Gives whether the store did its part.
   */
  async #settleGroup(group: Entry[]): Promise<boolean> {
    for (let left = group, failures = 0; left.length > 0; left = this.#giveUpOld(left)) {
      try {
        if (await this.#commit(left)) {
          for (const entry of left) this.#know(entry, entry.request.tag, "accepted");
          return true;
        }
        // Nobody joins those whose claims were just found absent, so a guilty claim holds the others up only once.
        left = await this.#withoutGuilty(left);
      } catch (error) {
        const fault = error instanceof StoreUnavailable ? error : new StoreUnavailable("failed", error);
        if (isTooManyChecks(fault) && countChecks(left) > LEAST_MAX_CHECKS) {
          this.#maxChecks = LEAST_MAX_CHECKS;
          for (const entry of left) this.#queue.push(entry.lane, entry);
          return true;
        }
        failures++;
        if (fault.why !== "failed" || (failures === MAX_ATTEMPTS && left.length === 1)) {
          this.#fail(left, fault);
          return false;
        }
        if (failures === MAX_ATTEMPTS) return await this.#settleOneByOne(left);
        await pause(5 ** failures);
      }
    }
    return true;
  }

  /** If one claim is the reason why a group throws, the others shall not suffer from it. */
  async #settleOneByOne(group: Entry[]): Promise<boolean> {
    let failures = 0;
    for (const [index, entry] of group.entries()) {
      if (failures === MAX_LONE_FAILURES) {
        this.#fail(group.slice(index), new StoreUnavailable("failed"));
        return false;
      }
      failures = await this.#settleGroup([entry]) ? 0 : failures + 1;
    }
    return true;
  }

  /** Gives false when a check failed. Throws {@linkcode StoreUnavailable}. */
  async #commit(group: Entry[]): Promise<boolean> {
    const startedAt = performance.now();
    let ok = false;
    try {
      const requests = group.map(({ request }) => request);
      ok = await this.store.commit((operation) => writeGroup(requests, operation, this.random)) !== undefined;
      return ok;
    } finally {
      this.options.onCommit?.(group.length, performance.now() - startedAt, ok);
    }
  }

  /** A check failed: those whose claim or key is the reason are answered, the others are given back. */
  async #withoutGuilty(group: Entry[]): Promise<Entry[]> {
    const states = await readGroup(group.map(({ request }) => request), this.store);
    return group.filter((entry, index) => {
      const state = states[index]!;
      if (state.is === "taken") this.#know(entry, state.tag, compare(state.tag, entry.request));
      else if (state.is === "key_over") this.#know(entry, undefined, "key_over");
      return state.is === "free";
    });
  }

  #know(entry: Entry, tag: Uint8Array | undefined, outcome: ClaimOutcome): void {
    if (tag !== undefined) this.#recent.set(entry.request.id, tag);
    this.#active.delete(entry.name);
    entry.resolve(tag === undefined ? { outcome } : { outcome, tag });
  }

  #fail(entries: Entry[], fault: StoreUnavailable): void {
    for (const entry of entries) {
      this.#active.delete(entry.name);
      entry.reject(fault);
    }
  }
}

/** Whether a claim that stands under a tag is this very request's. One whose row cannot be read is somebody else's. */
function compare(tag: Uint8Array | undefined, request: ClaimRequest): "replayed" | "taken" {
  return tag !== undefined && equalPublic(tag, request.tag) ? "replayed" : "taken";
}

/** Checks of a group's commit: one a claim, and one a key. */
function countChecks(group: Entry[]): number {
  return group.length + new Set(group.map(({ request }) => request.ordinal)).size;
}

function isTooManyChecks({ cause }: StoreUnavailable): boolean {
  return cause instanceof Error && /too ?many ?checks/i.test(cause.message);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
