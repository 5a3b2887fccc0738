/**
 * What is asked of the committer, and what it answers.
 *
 * @module
 */
import type { Guard } from "../store/claims.ts";

/** One use of a token to be claimed, with the record that goes with it. */
export interface ClaimRequest {
  /** Packed id of the claim, 22 bytes. */
  readonly id: Uint8Array;
  /** What the uses of one token have in common: each lane has its turn. It is never stored. By default part of the id. */
  readonly lane?: string | undefined;
  /** The first 16 bytes of the MAC: tells this very request from another one. */
  readonly tag: Uint8Array;
  /** That the key is alive: one object for all requests under it, so that a group checks it once. */
  readonly guard: Guard;
  /** The application's id. */
  readonly app: string;
  /** The day of arrival, days since 1970. */
  readonly day: number;
  /** The hour of arrival, 0..23: the record is moved once it is over. 0 by default. */
  readonly hour?: number | undefined;
  /** The record, at most 60 KiB; absent where another server keeps it. */
  readonly record?: Uint8Array | undefined;
}

/** What became of a claim. `key_over`: the key was revoked or destroyed. */
export type ClaimOutcome = "accepted" | "replayed" | "taken" | "key_over";
