/**
 * What is documented of the routes that clients and other servers call.
 *
 * @module
 */
import { z } from "zod";
import type { RefusalCode } from "../../core/base/errors.ts";
import { BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import { CLIENT_HEADER } from "../../edge/http/headers.ts";
import type { Operation } from "./describe.ts";
import { acceptedLog, directory, log, redeemed, redemption, schema } from "./shapes.ts";

const ANY_BODY: readonly RefusalCode[] = [
  "request_timeout",
  "body_too_large",
  "body_malformed",
  "media_type",
];
const ANY_CREDENTIAL: readonly RefusalCode[] = [
  "key_unknown",
  "key_expired",
  "mac_invalid",
  "use_out_of_range",
  "use_taken",
];
const CONDITIONAL = { "If-None-Match": "The ETag of the document that is known already." };
const CACHED = {
  ETag: "base64url of the SHA-256 of the body, quoted.",
  "Cache-Control": "How long it holds.",
};

/** `POST /v1/apps/{app}/logs`. */
export const SEND_LOG: Operation = {
  tag: "Clients",
  summary: "Send an anonymous log",
  description: "Verifies the MAC, claims the use and stores the events in one atomic commit. " +
    "The same bytes may be sent again until they are answered.",
  security: "credential",
  takes: { description: "A log, gzip-encoded if the client likes.", shape: log },
  answers: {
    description: "The log is stored. Rejected events are named with the reason.",
    shape: acceptedLog,
    headers: { "DIT-Replayed": "`?1` when this very request had been accepted before." },
  },
  refuses: [
    "app_unknown",
    "credential_missing",
    "credential_malformed",
    ...ANY_CREDENTIAL,
    ...ANY_BODY,
    "collection_stopped",
    "events_invalid",
  ],
};

/** `POST /v1/apps/{app}/tokens`. */
export const ISSUE_TOKENS: Operation = {
  tag: "Clients",
  summary: "Have tokens signed blindly",
  description:
    "The quota is committed before anything is signed. The same bytes may be sent again and cost nothing.",
  security: "session",
  takes: { description: "Blinded elements (docs/protocol.md, section 4).", type: BATCH_REQUEST_TYPE },
  answers: { description: "Evaluated elements and one proof for them all.", type: BATCH_RESPONSE_TYPE },
  refuses: [
    "app_unknown",
    "session_invalid",
    "sessions_unavailable",
    "request_timeout",
    "body_too_large",
    "body_malformed",
    "media_type",
    "batch_invalid",
    "key_not_issuing",
    "quota_exhausted",
  ],
};

/** `GET /v1/apps/{app}/keys`. */
export const LIST_PUBLIC_KEYS: Operation = {
  tag: "Clients",
  summary: "The public keys",
  description: "The same bytes for everybody: a key of his own would mark a client.",
  takesHeaders: CONDITIONAL,
  answers: { description: "The directory.", shape: directory, headers: CACHED },
  alsoAnswers: { 304: "The document that is known already." },
  refuses: ["app_unknown"],
};

/** `GET /v1/apps/{app}/schema`. */
export const SHOW_SCHEMA: Operation = {
  tag: "Clients",
  summary: "What is collected",
  takesHeaders: CONDITIONAL,
  answers: { description: "Events, their fields, purposes and owners.", shape: schema, headers: CACHED },
  alsoAnswers: { 304: "The document that is known already." },
  refuses: ["app_unknown"],
};

/** `POST /acs/v1/apps/{app}/evaluate`. */
export const EVALUATE: Operation = {
  tag: "Other servers",
  summary: "Have tokens of another server's client signed",
  security: "serviceToken",
  takesHeaders: { [CLIENT_HEADER]: "A keyed hash of the client, 1 to 128 visible ASCII characters." },
  takes: { description: "Blinded elements (docs/protocol.md, section 4).", type: BATCH_REQUEST_TYPE },
  answers: { description: "Evaluated elements and one proof for them all.", type: BATCH_RESPONSE_TYPE },
  refuses: [
    "app_unknown",
    "service_token_invalid",
    ...ANY_BODY,
    "batch_invalid",
    "key_not_issuing",
    "quota_exhausted",
  ],
};

/** `POST /acs/v1/apps/{app}/redeem`. */
export const REDEEM: Operation = {
  tag: "Other servers",
  summary: "Claim a use for a log that another server keeps",
  security: "serviceToken",
  takes: {
    description: "The credential and the transcript that its MAC covers, never the log.",
    shape: redemption,
  },
  answers: { description: "The use is claimed.", shape: redeemed },
  refuses: ["app_unknown", "service_token_invalid", ...ANY_CREDENTIAL, ...ANY_BODY],
};

/** `GET /healthz`. */
export const IS_ALIVE: Operation = {
  tag: "Health",
  summary: "The process runs",
  answers: { description: "It does.", shape: z.strictObject({ status: z.literal("ok") }) },
};

/** `GET /readyz`. */
export const IS_READY: Operation = {
  tag: "Health",
  summary: "The process can do its work",
  answers: {
    description: "The store answers, and every application has a key.",
    shape: z.strictObject({ status: z.literal("ready") }),
  },
};
