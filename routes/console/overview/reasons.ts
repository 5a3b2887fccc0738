/**
 * What every code of a refusal means to an operator who has never read the protocol: what happened, and whether they
 * have to do anything.
 *
 * @module
 */
import type { RefusalCode } from "../../../core/base/errors.ts";
import type { RejectionCode } from "../../../core/schema/validate.ts";

/** A code in words. */
export interface Reason {
  /** What happened. */
  readonly what: string;
  /** Why it happens, and what to do. */
  readonly why: string;
  /** `attack`: a possible attack; `client`: a client bug; `normal`: part of the protocol; `service`: look here. */
  readonly kind: "attack" | "client" | "normal" | "service";
}

const REASONS: Readonly<Record<RefusalCode | RejectionCode | "refused_elsewhere", Reason>> = {
  mac_invalid: {
    what: "Forged or altered log",
    why: "The MAC does not fit the token and the request: whoever sent it does not hold the token, or " +
      "something on the way changed the bytes. Nothing was stored.",
    kind: "attack",
  },
  pseudonym_mismatch: {
    what: "Token of another pseudonym",
    why:
      "The log names a pseudonym that its token was not made for: somebody who wants to be counted as more " +
      "people than they have tokens, or a client that does not bind its tokens. Nothing was stored.",
    kind: "attack",
  },
  credential_missing: {
    what: "No token",
    why: "The request carried no credential at all: a scanner, or an app without the SDK.",
    kind: "attack",
  },
  credential_malformed: {
    what: "Malformed credential",
    why: "The credential breaks the syntax: a broken client, or somebody trying things out.",
    kind: "client",
  },
  key_unknown: {
    what: "Unknown key",
    why: "The token names a key that this deployment never had: a made-up token, or a client of another " +
      "deployment.",
    kind: "attack",
  },
  key_expired: {
    what: "Token too old",
    why: "The key of this token has ended or was revoked. Clients fetch new tokens by themselves.",
    kind: "normal",
  },
  use_out_of_range: {
    what: "Token used up",
    why: "The log names a use beyond the limit of its token.",
    kind: "attack",
  },
  use_taken: {
    what: "Use spent twice",
    why: "Another log has claimed this use of the token. An honest client goes on to the next use; many of " +
      "these mean that somebody copies tokens.",
    kind: "attack",
  },
  store_pinned: {
    what: "Second store of log servers",
    why: "A log server came with another store than the application's. Log servers of one ACS share a " +
      "store: set DIT_KV to that of the others. If that store is gone for good, unpin it (docs/operating.md).",
    kind: "service",
  },
  session_invalid: {
    what: "Not signed in",
    why:
      "A client asked for tokens with a session that is missing, forged, expired or of another application.",
    kind: "client",
  },
  sessions_unavailable: {
    what: "Sign-in cannot be checked",
    why: "The key set of the issuer of sessions does not answer. No client gets tokens until it does.",
    kind: "service",
  },
  service_token_invalid: {
    what: "Wrong service token",
    why: "Another server called without its token, or with that of another application.",
    kind: "attack",
  },
  admin_token_invalid: {
    what: "Wrong admin token",
    why: "Somebody tried to operate the service.",
    kind: "attack",
  },
  role_insufficient: {
    what: "Reader tried to act",
    why: "The reader role may look and not act.",
    kind: "client",
  },
  request_forged: {
    what: "Request from another site",
    why: "A form reached the console that the console did not make.",
    kind: "attack",
  },
  console_session_invalid: {
    what: "Signed out",
    why: "A session of the console has run out.",
    kind: "normal",
  },
  quota_exhausted: {
    what: "Quota used up",
    why: "A client has had all its tokens of this key, or repeated one request too often. It waits.",
    kind: "normal",
  },
  overloaded: {
    what: "Throttled",
    why: "One network sent too fast, or the service had no room. Clients wait and try again.",
    kind: "service",
  },
  store_unavailable: {
    what: "Store did not answer",
    why: "The store did not confirm in time. Clients send the same bytes again; nothing is counted twice.",
    kind: "service",
  },
  internal: {
    what: "Internal error",
    why: "A fault of the service: its log lines have the name of the error.",
    kind: "service",
  },
  body_malformed: {
    what: "Malformed body",
    why: "No JSON of the right shape, or broken gzip: a broken client.",
    kind: "client",
  },
  body_too_large: {
    what: "Body too large",
    why: "More than 64 KiB before or after decompression: a broken client, or a flood.",
    kind: "client",
  },
  media_type: {
    what: "Wrong media type",
    why: "The content type or encoding is not the one of the protocol: a broken client, or a scanner.",
    kind: "client",
  },
  query_refused: {
    what: "Query string",
    why: "URLs get written down on the way, so a query is refused. The SDK never sends one.",
    kind: "client",
  },
  target_malformed: {
    what: "Malformed host or target",
    why:
      "The Host field names more than a host, or another one than the target: a scanner, or a proxy that changes one.",
    kind: "attack",
  },
  headers_too_large: {
    what: "Too many headers",
    why: "More headers than any client needs.",
    kind: "attack",
  },
  request_timeout: {
    what: "Body came too slowly",
    why: "The body did not arrive in time; the client sends it again.",
    kind: "normal",
  },
  batch_invalid: {
    what: "Invalid token request",
    why: "The blinded elements break the format or the size of a batch.",
    kind: "client",
  },
  key_not_issuing: {
    what: "Blinded for an old key",
    why: "The client knew an older key; it fetches the directory and asks again. Usual after a rotation.",
    kind: "normal",
  },
  events_invalid: {
    what: "No valid event",
    why: "Every event of the log breaks the schema: an app and the schema differ.",
    kind: "client",
  },
  collection_stopped: {
    what: "Collection stopped",
    why: "The event is stopped or has expired; clients learn it from the schema and stop sending.",
    kind: "normal",
  },
  field_suppressed: {
    what: "Field suppressed",
    why: "The field is stopped because it identifies; it was dropped, the event was kept.",
    kind: "normal",
  },
  event_unknown: {
    what: "Undeclared event",
    why: "The schema has no such event: an app is newer than the configuration.",
    kind: "client",
  },
  field_unknown: {
    what: "Undeclared field",
    why: "The schema has no such field: it is refused, never silently kept.",
    kind: "client",
  },
  field_missing: {
    what: "Missing field",
    why: "A field is required and was not sent.",
    kind: "client",
  },
  field_invalid: {
    what: "Value out of its domain",
    why: "A field's value is not one that the schema allows.",
    kind: "client",
  },
  app_unknown: { what: "Unknown application", why: "No application has this name.", kind: "client" },
  route_unknown: {
    what: "Unknown address",
    why: "There is no such route: usually a scanner.",
    kind: "attack",
  },
  method_not_allowed: { what: "Wrong method", why: "The route does not take this method.", kind: "client" },
  epoch_unknown: { what: "No key of that epoch", why: "There was nothing to revoke.", kind: "normal" },
  generation_unknown: {
    what: "No key of that generation",
    why: "Keys were to be revoked that nobody has made.",
    kind: "normal",
  },
  stop_unknown: { what: "Nothing stopped there", why: "There was no stop to lift.", kind: "normal" },
  replacement_refused: {
    what: "Not replaced",
    why: "Clients accept two replacements an epoch.",
    kind: "normal",
  },
  time_disputed: {
    what: "Clocks disagree",
    why: "A time was to be confirmed that this service's clock does not have.",
    kind: "normal",
  },
  refused_elsewhere: {
    what: "Refused by another region",
    why: "The log belongs to another region, which refused it; its console says why.",
    kind: "normal",
  },
};

const UNKNOWN: Reason = { what: "Other", why: "A code that this console does not know.", kind: "service" };

/** The words of a code. */
export function reasonOf(code: string): Reason {
  return Object.hasOwn(REASONS, code) ? REASONS[code as keyof typeof REASONS] : UNKNOWN;
}
