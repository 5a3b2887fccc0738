/**
 * The one error class of the domain. Its `code` is from the protocol's table (docs/protocol.md, section 6); only
 * edge/http/problem.ts knows which HTTP status goes with it.
 *
 * @module
 */

/** Every stable code of a refusal. */
export type RefusalCode =
  | "body_malformed"
  | "query_refused"
  | "target_malformed"
  | "credential_missing"
  | "credential_malformed"
  | "key_unknown"
  | "key_expired"
  | "mac_invalid"
  | "pseudonym_mismatch"
  | "session_invalid"
  | "sessions_unavailable"
  | "service_token_invalid"
  | "admin_token_invalid"
  | "role_insufficient"
  | "request_forged"
  | "console_session_invalid"
  | "use_out_of_range"
  | "app_unknown"
  | "route_unknown"
  | "method_not_allowed"
  | "use_taken"
  | "store_pinned"
  | "request_timeout"
  | "collection_stopped"
  | "body_too_large"
  | "media_type"
  | "headers_too_large"
  | "batch_invalid"
  | "epoch_unknown"
  | "generation_unknown"
  | "stop_unknown"
  | "replacement_refused"
  | "time_disputed"
  | "key_not_issuing"
  | "events_invalid"
  | "quota_exhausted"
  | "overloaded"
  | "internal"
  | "store_unavailable";

/** What a refusal may say besides its code. Nothing here ever repeats a secret, a token, a subject or a value. */
export interface RefusalDetails {
  /** Seconds after which another try makes sense. */
  readonly retryAfterSeconds?: number;
  /** Members that the problem document carries besides the standard ones. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A refusal of the domain: a stable code and one sentence for people. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  /** Refuses with `code`; `message` is one sentence that repeats no secret. */
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly details: RefusalDetails = {},
  ) {
    super(message);
  }
}
