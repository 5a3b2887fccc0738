/**
 * Writes a group: claims and records in one commit, and answers those that this decides.
 *
 * @module
 */
import type { RandomSource } from "../base/random.ts";
import type { Claimed, Claims } from "../store/claims.ts";
import type { Write } from "../store/port.ts";
import { decodeClaim } from "./claim_row.ts";
import { LOG_ROWS } from "./families.ts";
import { packRecords } from "./pack_records.ts";
import type { PendingClaim, PendingClaims, Settled } from "./pending_claims.ts";
import { compareTags, type RecentClaims } from "./recent_claims.ts";
import { logRowId } from "./row_ids.ts";

/** Hears of a commit that returned: how many claims it had, how long it took, whether all of it went through. */
export type OnCommit = (claims: number, milliseconds: number, ok: boolean) => void;

/** What a {@linkcode GroupWriter} works with. */
export interface GroupWriterParts {
  /** Where groups become true. */
  readonly claims: Claims;
  /** Most bytes of a row of records. */
  readonly maxRowBytes: number;
  /** Makes row ids, and shuffles. */
  readonly random: RandomSource;
  /** Claims that are to be answered. */
  readonly pending: PendingClaims;
  /** Hears of all claims that stand. */
  readonly recent: RecentClaims;
  /** Hears of commits. */
  readonly onCommit?: OnCommit | undefined;
}

/** Writes groups of claims with their records. */
export class GroupWriter {
  readonly #parts: GroupWriterParts;

  /** Writes with the given parts. */
  constructor(parts: GroupWriterParts) {
    this.#parts = parts;
  }

  /**
   * Claims a group once, and answers those of which it is known what became of them.
   * @returns The others: nothing stands in their way, so they are to be written again.
   * @throws {StoreUnavailable} If the outcome is unknown; nobody is answered.
   */
  async write(group: readonly PendingClaim[]): Promise<PendingClaim[]> {
    const { pending } = this.#parts;
    const left: PendingClaim[] = [];
    for (const claimed of await this.#claim(group)) {
      if (claimed.is === "free") left.push(claimed.claim);
      else pending.settle(claimed.claim, this.#settledOf(claimed));
    }
    return left;
  }

  async #claim(group: readonly PendingClaim[]): Promise<Claimed<PendingClaim>[]> {
    const { claims, onCommit } = this.#parts;
    const startedAt = performance.now();
    let ok = false;
    try {
      const outcomes = await claims.claimGroup(group, (winners) => this.#recordRows(winners));
      ok = outcomes.every(({ is }) => is === "accepted");
      return outcomes;
    } finally {
      onCommit?.(group.length, performance.now() - startedAt, ok);
    }
  }

  /** The records share rows, shuffled; each claim stands for itself. */
  #recordRows(winners: readonly PendingClaim[]): Write[] {
    const { random, maxRowBytes } = this.#parts;
    const rows = packRecords(winners.map(({ request }) => request), maxRowBytes, random);
    return rows.map(({ app, day, hour, bytes }) => ({
      type: "set",
      key: LOG_ROWS.key(app, day, logRowId(hour, random)),
      value: bytes,
    }));
  }

  #settledOf(claimed: Exclude<Claimed<PendingClaim>, { is: "free" }>): Settled {
    const { recent } = this.#parts;
    const { is, claim: { request } } = claimed;
    switch (is) {
      case "accepted":
        recent.remember(request, request.tag);
        return { outcome: "accepted", tag: request.tag };
      case "taken": {
        const tag = decodeClaim(claimed.value)?.tag;
        if (tag !== undefined) recent.remember(request, tag);
        return { outcome: compareTags(tag, request), tag };
      }
      case "guard_over":
        return { outcome: "key_over" };
    }
  }
}
