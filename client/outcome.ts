/**
 * What to do after a log was sent: the last column of the table of failures, and the client's rule (docs/protocol.md,
 * section 6). Whatever is not surely an answer of the service leaves the outcome unknown.
 *
 * @module
 */

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

/** Refusals of a request that no earlier send can have landed. */
const CERTAIN: Readonly<Record<string, Action>> = {
  "400 body_malformed": "drop",
  "400 query_refused": "drop",
  "401 credential_missing": "drop",
  "401 credential_malformed": "drop",
  "401 key_unknown": "next_key",
  "401 key_expired": "next_key",
  "401 mac_invalid": "next_token",
  "403 use_out_of_range": "next_token",
  "409 use_taken": "next_use",
  "410 collection_stopped": "drop_and_renew",
  "413 body_too_large": "split",
  "415 media_type": "drop",
  "422 events_invalid": "drop_and_renew",
  "431 headers_too_large": "drop",
};

/** Refusals of the very place, not of the log. */
const STOPS: readonly string[] = ["404 app_unknown", "404 route_unknown", "405 method_not_allowed"];

/**
 * Decides by the status and the code of a refusal. `uncertain`: an earlier send of these bytes has an unknown outcome,
 * so it may have been taken; then it may only move on a proof that it was not, and a use that another log has claimed
 * or a MAC that cannot verify is one.
 */
export function decide(status: number, code: string | undefined, uncertain: boolean): Action {
  if (status === 429) return "wait";
  if (code === undefined || status === 408 || status >= 500) return "retry";
  const refusal = `${status} ${code}`;
  if (STOPS.includes(refusal)) return "stop";
  const action = Object.hasOwn(CERTAIN, refusal) ? CERTAIN[refusal]! : "drop";
  if (!uncertain || refusal === "409 use_taken" || refusal === "401 mac_invalid") return action;
  return "unknown";
}
