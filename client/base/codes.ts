/**
 * Why something was refused or dropped, as a client tells it.
 *
 * @module
 */

/**
 * The codes with which a service of this version answers a client (docs/protocol.md, section 6). One of a later version
 * may say another, which is passed on as it is: a `switch` needs its `default`.
 */
export type ServiceCode =
  | "event_unknown"
  | "collection_stopped"
  | "field_unknown"
  | "field_missing"
  | "field_invalid"
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
  | "use_out_of_range"
  | "app_unknown"
  | "route_unknown"
  | "method_not_allowed"
  | "request_timeout"
  | "use_taken"
  | "body_too_large"
  | "media_type"
  | "headers_too_large"
  | "batch_invalid"
  | "key_not_issuing"
  | "events_invalid"
  | "quota_exhausted"
  | "overloaded"
  | "internal"
  | "store_unavailable";

/**
 * Why a step of a client failed: a code of the service; `status_...` or `no_answer` when somebody else answered, or
 * nobody; or a check of the client itself (docs/protocol.md, section 7).
 */
export type RefusalCode =
  | ServiceCode
  | `status_${number}`
  | "no_answer"
  | "malformed"
  | "etag_not_the_hash"
  | "clock_refused"
  | "endpoint_foreign"
  | "key_changed"
  | "too_many_keys"
  | "mirror_conflict"
  | "mirror_lacks_key"
  | "mirror_unavailable"
  | "not_declared"
  | "not_pinned"
  | "not_verified"
  | "session_failed"
  | "storage_failed";

/**
 * Why logged events will never be sent; `unknown`: it can never be known whether they arrived; `report_withheld`: the
 * device reports nothing more about a field of theirs under local differential privacy in this period; `period_over`:
 * they left under a pseudonym that has ended, were not taken, and never leave under another; `no_consent`: they were
 * logged before the user agreed, which the app says has to come first.
 */
export type DropReason =
  | ServiceCode
  | `status_${number}`
  | "no_answer"
  | "unknown"
  | "closed"
  | "no_consent"
  | "period_over"
  | "queue_full"
  | "report_withheld"
  | "sampled_out"
  | "storage_failed"
  | "too_old";

/** What an answer says, or what stands for it. */
export type AnswerCode = ServiceCode | `status_${number}` | "no_answer";

/** Why a logged event does not go out: the codes with which the service would reject it. */
export type EventFault = Extract<ServiceCode, "event_unknown" | "collection_stopped" | `field_${string}`>;

/** Why a client does not use a document that it fetched. */
export type DocumentFault = Exclude<
  RefusalCode,
  AnswerCode | "clock_refused" | "session_failed" | "storage_failed"
>;
