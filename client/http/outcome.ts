/**
 * What to do after a log was sent: the last column of the table of failures, and the client's rule (docs/protocol.md,
 * section 6). Whatever is not surely an answer of the service leaves the outcome unknown.
 *
 * @module
 */

import type { ServiceCode } from "../base/codes.ts";

/** What becomes of a request. */
export type Action =
  /** The outcome is unknown: the same bytes again, later. */
  | "retry"
  /** It was surely not taken for now: the same bytes again, later. */
  | "wait"
  /** The use is spent by another log: another use. */
  | "next_use"
  /** The token is of no more use here: another token. */
  | "next_token"
  /** The key is of no more use: another token, and a new directory. */
  | "next_key"
  /** Too large: fewer events at a time. */
  | "split"
  /** Never send it again; it was surely not taken. */
  | "drop"
  /** As `drop`, and the schema has changed. */
  | "drop_and_renew"
  /** Never send it again; whether it was taken cannot be known. */
  | "unknown"
  /** Send nothing more. */
  | "stop";

/** What a refusal means for a request that no earlier send can have landed. Other codes: drop it. */
const CERTAIN: ReadonlyMap<ServiceCode, Action> = new Map([
  ["key_unknown", "next_key"],
  ["key_expired", "next_key"],
  ["mac_invalid", "next_token"],
  ["pseudonym_mismatch", "next_token"],
  ["use_out_of_range", "next_token"],
  ["use_taken", "next_use"],
  ["body_too_large", "split"],
  // The application has a pseudonym now, or has none any more.
  ["body_malformed", "drop_and_renew"],
  ["collection_stopped", "drop_and_renew"],
  ["events_invalid", "drop_and_renew"],
]);

/**
 * Decides by the status and the code of a refusal. `uncertain`: an earlier send of these bytes has an unknown outcome,
 * so it may have been taken; then it may only move on a proof that it was not, and a use that another log has claimed,
 * a MAC that cannot verify, or a token of another pseudonym is one.
 */
export function decide(status: number, code: ServiceCode | undefined, uncertain: boolean): Action {
  if (status === 429) return "wait";
  // No code: somebody else than the service answered. Status 0: nobody did.
  if (code === undefined || status === 0 || status === 408 || status >= 500) return "retry";
  if (status === 404 || status === 405) return "stop";
  const isProof = code === "use_taken" || code === "mac_invalid" || code === "pseudonym_mismatch";
  if (uncertain && !isProof) return "unknown";
  return CERTAIN.get(code) ?? "drop";
}
