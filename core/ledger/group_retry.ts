/**
 * Writes a group again until each of its claims is answered. That is safe whatever became of the commit before, since a
 * claim that landed is found as its own.
 *
 * @module
 */
import { StoreUnavailable } from "../store/breaker.ts";
import { fitTogether, type SizeLimit } from "./group_size.ts";
import type { GroupWriter } from "./group_writer.ts";
import type { PendingClaim, PendingClaims } from "./pending_claims.ts";

/** A commit that threw is tried again as it was so many times, then claim by claim. */
const MAX_ATTEMPTS = 3;
/** Claims in a row whose own commits threw, after which the fault is the store's and not theirs. */
const MAX_LONE_FAILURES = 3;

/** What a {@linkcode GroupRetry} works with. */
export interface GroupRetryParts {
  /** Writes a group once. */
  readonly writer: GroupWriter;
  /** Claims that are to be answered. */
  readonly pending: PendingClaims;
  /** How large a group may be: the engine may learn that it is less than it said. */
  readonly limit: SizeLimit;
}

/** How a group ended. */
type Ending =
  /** Each claim was answered. */
  | { readonly is: "settled" }
  /** Each claim was answered, some of them that the store did not do its part. */
  | { readonly is: "failed" }
  /** These are not answered, and are more than the store takes at once. */
  | { readonly is: "too_large"; readonly left: PendingClaim[] };

/** Settles groups. */
export class GroupRetry {
  readonly #parts: GroupRetryParts;

  /** Settles with the given parts. */
  constructor(parts: GroupRetryParts) {
    this.#parts = parts;
  }

  /** Answers each claim of a group, but those that it gives: they are to be put into smaller groups. */
  async settle(group: PendingClaim[]): Promise<readonly PendingClaim[]> {
    const ending = await this.#settle(group);
    return ending.is === "too_large" ? ending.left : [];
  }

  async #settle(group: PendingClaim[]): Promise<Ending> {
    const { writer, pending, limit } = this.#parts;
    let left = pending.giveUpOld(group);
    for (let failures = 0; left.length > 0; left = pending.giveUpOld(left)) {
      try {
        // No claim is added to those that are left: one that somebody else has holds its group up only once.
        left = await writer.write(left);
        if (!fitTogether(left, limit)) return { is: "too_large", left };
      } catch (error) {
        const fault = error instanceof StoreUnavailable ? error : new StoreUnavailable("failed", error);
        failures++;
        // What is late or refused is not sent again: it would only wait for longer.
        if (fault.why !== "failed" || (failures === MAX_ATTEMPTS && left.length === 1)) {
          pending.fail(left, fault);
          return { is: "failed" };
        }
        if (failures === MAX_ATTEMPTS) return await this.#settleOneByOne(left);
        await pause(5 ** failures);
      }
    }
    return { is: "settled" };
  }

  /** If one claim is the reason why a group throws, the others shall not suffer from it. */
  async #settleOneByOne(group: readonly PendingClaim[]): Promise<Ending> {
    let failures = 0;
    for (const [index, claim] of group.entries()) {
      if (failures === MAX_LONE_FAILURES) {
        this.#parts.pending.fail(group.slice(index), new StoreUnavailable("failed"));
        return { is: "failed" };
      }
      const { is } = await this.#settle([claim]);
      failures = is === "failed" ? failures + 1 : 0;
    }
    return { is: "settled" };
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
