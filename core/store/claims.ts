/**
 * How a group of claims becomes true: all at once, each with what goes with it, and the answer says of each claim
 * whether it won. An engine brings this, since it is done differently in each: by checks and a read-back, or in one
 * statement.
 *
 * @module
 */
import type { Engine, Key, Write } from "./port.ts";

/** What has to be there, unchanged, for a claim to win. Claims of a group that share a guard share the object. */
export interface Guard {
  /** The row's key. */
  readonly key: Key;
  /** Its stamp when it was read. */
  readonly stamp: string;
}

/** A row that only one may write, once. */
export interface Claim {
  /** The row's key. */
  readonly key: Key;
  /** Its value. */
  readonly value: Uint8Array;
  /** What the claim depends on. */
  readonly guard: Guard;
}

/** What became of a claim. */
export type Claimed<C extends Claim> =
  /** It stands, and all that goes with it. */
  | { readonly is: "accepted"; readonly claim: C }
  /** Its row was there before. It may be this very claim's: of a commit whose outcome nobody learned. */
  | { readonly is: "taken"; readonly claim: C; readonly value: unknown }
  /** Its guard is not what it was, or not there any more. */
  | { readonly is: "guard_over"; readonly claim: C }
  /** Nothing was written, and nothing stands in its way: it is to be claimed again. */
  | { readonly is: "free"; readonly claim: C };

/** Makes groups of claims true. */
export interface Claims {
  /** Whether a group may have so many claims and guards, and so many bytes of what goes with the claims. */
  fits(claims: number, guards: number, bytes: number): boolean;
  /**
   * Claims all that can be had of a group, in no more than one commit. A group has no key twice.
   *
   * To claim again is safe whatever became of the call before: a claim that landed is found as taken.
   * @param group The claims.
   * @param writesOf The rows to be written with those claims that win; it may be called more than once.
   * @returns What became of each claim, in the order of the group.
   * @throws {StoreUnavailable} If the outcome is unknown, of all of them.
   */
  claimGroup<C extends Claim>(
    group: readonly C[],
    writesOf: (winners: readonly C[]) => readonly Write[],
  ): Promise<Claimed<C>[]>;
}

/** Makes calls of an engine, each with a deadline: they fail with `StoreUnavailable`. */
export interface EngineCalls {
  /** A call that only reads. */
  read<T>(begin: () => Promise<T>): Promise<T>;
  /** A call that may write. */
  write<T>(begin: () => Promise<T>): Promise<T>;
}

/** An engine as it is opened: with claims of its own. */
export interface ClaimingEngine extends Engine {
  /** What claims in it, by such calls. */
  claims(calls: EngineCalls): Claims;
}
