/**
 * Group commit: claims and records that arrive together go out as one atomic commit, as soon as the previous one
 * returns. The promise it keeps: a use is claimed once, together with its record, or not at all.
 *
 * A request is let in (waiting_room.ts), waits among the others (pending_claims.ts) until a group takes it (batcher.ts), which is
 * written (group_writer.ts) as often as it needs (group_retry.ts); what stands is remembered (recent_claims.ts).
 *
 * @module
 */
import { binaryText } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";
import { StoreUnavailable } from "../store/breaker.ts";
import { roomInValue } from "../store/limits.ts";
import type { Store } from "../store/store.ts";
import { Batcher } from "./batcher.ts";
import { decodeClaim } from "./claim_row.ts";
import { CLAIMS } from "./families.ts";
import type { ClaimOutcome, ClaimRequest } from "./claim_request.ts";
import { GroupRetry } from "./group_retry.ts";
import { GroupWriter, type OnCommit } from "./group_writer.ts";
import { type PendingClaim, PendingClaims } from "./pending_claims.ts";
import { compareTags, RecentClaims } from "./recent_claims.ts";
import { WaitingRoom } from "./waiting_room.ts";

/** How a {@linkcode Committer} behaves. */
export interface CommitterOptions {
  /** Requests that may wait; beyond it `overloaded`. 4096 by default. */
  readonly maxWaiting?: number;
  /** Bytes of records that may wait; beyond it `overloaded`. 32 MiB by default. */
  readonly maxWaitingBytes?: number;
  /** Commits under way at once: 1 for a file (more do not help), a few for a store behind a network. 1 by default. */
  readonly maxInFlight?: number;
  /** Claims remembered as known; 100,000 by default. */
  readonly maxRecent?: number;
  /** Is told of each commit that returned. */
  readonly onCommit?: OnCommit;
}

/** What a waiting request is charged besides its record. */
const CLAIM_BYTES = 512;

/** Puts claims and records into the store, grouped. One instance a process. */
export class Committer {
  readonly #store: Store;
  readonly #room: WaitingRoom;
  readonly #recent: RecentClaims;
  readonly #pending: PendingClaims;
  readonly #batcher: Batcher<PendingClaim>;

  /** Commits to `store`; `random` makes row ids and shuffles. */
  constructor(store: Store, random: RandomSource, options: CommitterOptions = {}) {
    const { maxWaiting = 4_096, maxWaitingBytes = 32 * 1024 * 1024, maxInFlight = 1, maxRecent = 100_000 } =
      options;
    const { claims, deadlineMs } = store;
    const maxRowBytes = roomInValue(store.limits);
    const recent = new RecentClaims(maxRecent, random);
    const pending = new PendingClaims(deadlineMs);
    const writer = new GroupWriter({
      claims,
      maxRowBytes,
      random,
      pending,
      recent,
      onCommit: options.onCommit,
    });
    const retry = new GroupRetry({ writer, pending, limit: claims });
    this.#store = store;
    this.#room = new WaitingRoom({ maxWaiting, maxWaitingBytes });
    this.#recent = recent;
    this.#pending = pending;
    this.#batcher = new Batcher({ maxInFlight, limit: claims, settle: (group) => retry.settle(group) });
  }

  /** Requests that wait or are under way. */
  get waiting(): number {
    return this.#room.waiting;
  }

  /**
   * Refuses before anything costly is done when there is no room, or when the store has stopped answering.
   * @throws {Refusal} `overloaded` or `store_unavailable`.
   */
  admit(): void {
    if (this.#store.writes.refuses) throw new StoreUnavailable("refused");
    this.#room.admit();
  }

  /**
   * Claims a use and stores its record, or says why not.
   * @throws {Refusal} `overloaded`, or `store_unavailable` when the outcome is unknown.
   */
  async submit(request: ClaimRequest): Promise<ClaimOutcome> {
    const known = this.#recent.outcomeOf(request);
    if (known !== undefined) return known;
    this.admit();
    const name = binaryText(request.id);
    const bytes = CLAIM_BYTES + (request.record?.length ?? 0);
    this.#room.enter(bytes);
    try {
      const earlier = this.#pending.find(name);
      const settled = await (earlier ?? this.#enqueue(request, name, bytes)).settled;
      if (earlier === undefined || settled.outcome === "key_over") return settled.outcome;
      return compareTags(settled.tag, request);
    } finally {
      this.#room.leave(bytes);
    }
  }

  /**
   * Looks further where a claim's key seems to be over.
   * @throws {StoreUnavailable} If it is not.
   */
  async requireOver({ guard }: Pick<ClaimRequest, "guard">): Promise<void> {
    await this.#store.requireOver(guard);
  }

  /**
   * Whether a claim stands, and whose it is; undefined where it is free. Nothing is claimed: a claim that is not known
   * here costs a read.
   * @throws {StoreUnavailable} If the store does not say.
   */
  async outcomeOf(request: Pick<ClaimRequest, "id" | "tag">): Promise<"replayed" | "taken" | undefined> {
    const known = this.#recent.outcomeOf(request);
    if (known !== undefined) return known;
    const settled = await this.#pending.find(binaryText(request.id))?.settled;
    if (settled !== undefined) {
      return settled.outcome === "key_over" ? undefined : compareTags(settled.tag, request);
    }
    const row = await this.#store.get(CLAIMS.key(request.id));
    if (row.stamp === null) return undefined;
    const tag = decodeClaim(row.value)?.tag;
    if (tag !== undefined) this.#recent.remember(request, tag);
    return compareTags(tag, request);
  }

  /** Resolves when nothing waits and nothing is under way. */
  drain(): Promise<void> {
    return this.#batcher.drain();
  }

  #enqueue(request: ClaimRequest, name: string, bytes: number): PendingClaim {
    const claim = this.#pending.add(request, name, bytes);
    this.#batcher.push(claim);
    return claim;
  }
}
