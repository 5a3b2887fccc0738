/**
 * What clients call.
 *
 * @module
 */
import { z } from "zod";
import { MAX_BODY_BYTES } from "../../core/schema/body.ts";
import { BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import type { Operation, RequestBody } from "./operation.ts";
import { ANY_BODY, ANY_CREDENTIAL, batch, OF_APPLICATION } from "./parts.ts";
import { LOG_BATCH_TYPE } from "../../core/token/log_batch.ts";
import { acceptedLog, directory, keyHistory, log, logOutcomes, schema } from "./shapes.ts";

const CONDITIONAL = {
  "If-None-Match": z.string().optional().describe("The ETag of the document that is known already."),
};
const CACHED = {
  ETag: "base64url of the SHA-256 of the body, quoted.",
  "Cache-Control": "How long it holds.",
};

/** Most logs of a batch. */
export const MAX_LOGS = 64;

const LOG_BATCH = {
  description: `Or up to ${MAX_LOGS} logs, each with its credential (docs/protocol.md, section 5).`,
  type: LOG_BATCH_TYPE,
  namesType: true,
  encodings: [],
  maxBytes: 256 * 1024,
} as const satisfies RequestBody;

/** `POST /v1/apps/{app}/logs`. */
export const SEND_LOG = {
  kind: "logs",
  method: "POST",
  path: "/v1/apps/:app/logs",
  passes: ["content-type", "content-encoding", "content-length", "authorization"],
  hop: true,
  anonymous: true,
  tag: "Clients",
  summary: "Send an anonymous log",
  description: "Verifies the MAC, redeems the use and stores the events in one atomic commit. " +
    "The same bytes may be sent again until they are answered.",
  security: "credential",
  parameters: OF_APPLICATION,
  takes: {
    description: "A log, gzip-encoded if the client likes.",
    type: "application/json",
    namesType: true,
    encodings: ["", "gzip"],
    maxBytes: MAX_BODY_BYTES,
    shape: log,
    verified: true,
  },
  alsoTakes: LOG_BATCH,
  answers: {
    description:
      "The log is stored. Rejected events are named with the reason. Of a batch, what became of each log, " +
      "in their order.",
    shape: z.union([acceptedLog, logOutcomes]),
    headers: { "DIT-Replayed": "`?1` when this very request had been accepted before." },
  },
  refuses: [
    "app_unknown",
    "credential_missing",
    "credential_malformed",
    ...ANY_CREDENTIAL,
    "pseudonym_mismatch",
    ...ANY_BODY,
    "collection_stopped",
    "events_invalid",
  ],
} as const satisfies Operation;

/** How a batch of logs is read. */
export const SEND_LOGS = { parameters: OF_APPLICATION, takes: LOG_BATCH } as const;

/** `POST /v1/apps/{app}/tokens`. */
export const ISSUE_TOKENS = {
  kind: "tokens",
  method: "POST",
  path: "/v1/apps/:app/tokens",
  passes: ["content-type", "content-encoding", "content-length", "authorization"],
  tag: "Clients",
  summary: "Have tokens signed blindly",
  description:
    "The quota is committed before anything is signed. The same bytes may be sent again and cost nothing.",
  security: "session",
  parameters: OF_APPLICATION,
  takes: batch,
  answers: { description: "Evaluated elements and one proof for them all.", type: BATCH_RESPONSE_TYPE },
  refuses: [
    "app_unknown",
    "session_invalid",
    "sessions_unavailable",
    ...ANY_BODY,
    "batch_invalid",
    "key_not_issuing",
    "quota_exhausted",
  ],
} as const satisfies Operation;

/** `GET /v1/apps/{app}/keys`. */
export const LIST_PUBLIC_KEYS = {
  kind: "keys",
  method: "GET",
  path: "/v1/apps/:app/keys",
  passes: ["if-none-match"],
  hop: true,
  tag: "Clients",
  summary: "The public keys",
  description: "The same bytes for everybody: a key of their own would mark a client.",
  parameters: OF_APPLICATION,
  takesHeaders: CONDITIONAL,
  answers: { description: "The directory.", shape: directory, headers: CACHED },
  alsoAnswers: { 304: "The document that is known already." },
  refuses: ["app_unknown"],
} as const satisfies Operation;

/** `GET /v1/apps/{app}/keys/history`. */
export const SHOW_KEY_HISTORY = {
  kind: "keys",
  method: "GET",
  path: "/v1/apps/:app/keys/history",
  passes: ["if-none-match"],
  tag: "Clients",
  summary: "The history of the public keys",
  description:
    "32 bytes for each key that was ever made, of the newest 4,096: whoever knows one link of the " +
    "chain walks from there to those of the directory.",
  parameters: OF_APPLICATION,
  takesHeaders: CONDITIONAL,
  answers: { description: "The leaves of the chain.", shape: keyHistory, headers: CACHED },
  alsoAnswers: { 304: "The document that is known already." },
  refuses: ["app_unknown"],
} as const satisfies Operation;

/** `GET /v1/apps/{app}/schema`. */
export const SHOW_SCHEMA = {
  kind: "schema",
  method: "GET",
  path: "/v1/apps/:app/schema",
  passes: ["if-none-match"],
  tag: "Clients",
  summary: "What is collected",
  parameters: OF_APPLICATION,
  takesHeaders: CONDITIONAL,
  answers: { description: "Events, their fields, purposes and owners.", shape: schema, headers: CACHED },
  alsoAnswers: { 304: "The document that is known already." },
  refuses: ["app_unknown"],
} as const satisfies Operation;
