/**
 * What operators do to keys and records, and what they did.
 *
 * @module
 */
import { z } from "zod";
import type { Operation, RequestBody } from "./operation.ts";
import {
  ANY_ACTION,
  ANY_OPERATOR,
  OF_APPLICATION,
  OF_DAY,
  OPERATOR_ACTS,
  OPERATOR_READS,
  operatorBody,
} from "./parts.ts";
import { confirming, explanation, replacing, revocation, rotation, seconds } from "./shapes.ts";

const keyName = z.object({
  app: z.string(),
  region: z.string(),
  epoch: z.int(),
  generation: z.int(),
});

const why = {
  ...operatorBody,
  description: "Why, if anybody asks.",
  shape: explanation,
  expected: 'Send nothing, or {"reason": "..."}.',
} as const satisfies RequestBody;

/** `GET /admin/v1/keys`. */
export const LIST_KEYS = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/keys",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "All signing keys and where they stand",
  security: "readerToken",
  ofEach: true,
  answers: {
    description: "Keys in order of application, region, epoch and generation. Nothing secret.",
    shape: z.strictObject({
      keys: z.array(
        keyName.extend({
          state: z.enum(["scheduled", "issuing", "redeeming", "over", "revoked"]),
          keyId: z.string(),
          notBefore: seconds,
          issueUntil: seconds,
          redeemUntil: seconds,
          sealedByNewest: z.boolean().optional(),
        }).strict(),
      ),
    }),
  },
  refuses: ANY_OPERATOR,
} as const satisfies Operation;

/** `POST /admin/v1/keys/reseal`. */
export const RESEAL_KEYS = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/keys/reseal",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Seal every key under the newest sealing key",
  security: "adminToken",
  takes: why,
  answers: {
    description: "How many were sealed again, and how many do not open.",
    shape: z.strictObject({ resealed: z.int(), unreadable: z.int() }),
  },
  refuses: ANY_ACTION,
} as const satisfies Operation;

/** `POST /admin/v1/apps/{app}/keys/rotate`. */
export const ROTATE_KEYS = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/apps/:app/keys/rotate",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Start the next generation of the current epoch",
  description: "The key before it goes on redeeming. May be repeated where `key` names the one to make.",
  security: "adminToken",
  parameters: OF_APPLICATION,
  takes: {
    ...operatorBody,
    description: "Which key, and why.",
    shape: rotation,
    expected: 'Send nothing, or {"key": {"epoch": <number>, "generation": <number>}, "reason": "..."}.',
  },
  answers: { description: "The key that issues now.", shape: z.strictObject({ made: keyName }) },
  refuses: [...ANY_ACTION, "app_unknown", "replacement_refused"],
} as const satisfies Operation;

/** `POST /admin/v1/apps/{app}/keys/revoke`. */
export const REVOKE_KEYS = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/apps/:app/keys/revoke",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "End an epoch's keys up to a generation at once",
  description:
    "Every token under them ends with them. `through-generation` is at most the epoch's newest, so that a " +
    "repeated call never ends the replacement of the one before: it changes nothing.",
  security: "adminToken",
  parameters: OF_APPLICATION,
  takes: {
    ...operatorBody,
    maxBytes: 1_024,
    description: "Which keys.",
    shape: revocation,
    expected: 'Send {"epoch": <number>, "through-generation": <number>}.',
  },
  answers: {
    description: "The keys that are revoked now, and the one that took over.",
    shape: z.strictObject({ revoked: z.array(keyName), replacement: keyName.optional() }),
  },
  refuses: [...ANY_ACTION, "app_unknown", "epoch_unknown", "generation_unknown"],
} as const satisfies Operation;

/** `POST /admin/v1/apps/{app}/keys/replace`. */
export const REPLACE_KEYS = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/apps/:app/keys/replace",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Make keys for the epochs that lost theirs",
  description:
    "For epochs that issue or are to come whose keys a clock that was ahead has destroyed. May be repeated.",
  security: "adminToken",
  parameters: OF_APPLICATION,
  takes: {
    ...operatorBody,
    description: "Why, if anybody asks.",
    shape: replacing,
    expected: 'Send nothing, or {"reason": "..."}.',
  },
  answers: {
    description: "The keys that stand in place of those that are gone.",
    shape: z.strictObject({ replaced: z.array(keyName) }),
  },
  refuses: [...ANY_ACTION, "app_unknown", "replacement_refused"],
} as const satisfies Operation;

/** `POST /admin/v1/time/confirm`. */
export const CONFIRM_TIME = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/time/confirm",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Say that the service's clock is right",
  description:
    "What waits for it ends then, in every process of the store whose clock agrees. May be repeated.",
  security: "adminToken",
  takes: {
    ...operatorBody,
    description: "What time it is.",
    shape: confirming,
    expected: 'Send {"seconds": <Unix seconds>}.',
  },
  answers: {
    description: "The time that was confirmed: the service's.",
    shape: z.strictObject({ confirmed: seconds }),
  },
  refuses: [...ANY_ACTION, "time_disputed"],
} as const satisfies Operation;

/** `GET /admin/v1/apps/{app}/logs/{day}`. */
export const EXPORT_LOGS = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/apps/:app/logs/:day",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "Export a day's records",
  description: "Raw records: only the admin token may, and the audit log says that it did.",
  security: "adminToken",
  parameters: OF_DAY,
  answers: { description: "One record a line, shuffled.", type: "application/x-ndjson" },
  refuses: [...ANY_OPERATOR, "app_unknown"],
} as const satisfies Operation;

/** `POST /admin/v1/audit`. */
export const RECONCILE = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/audit",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Compare all records with the uses that were redeemed",
  security: "adminToken",
  takes: why,
  answers: {
    description: "What was compared, what is wrong, and what cannot be known.",
    shape: z.object({
      ok: z.boolean(),
      claims: z.int(),
      records: z.int(),
      days: z.array(z.looseObject({ app: z.string(), day: z.int() })),
      findings: z.array(z.looseObject({ kind: z.string(), count: z.int(), explanation: z.string() })),
      unknown: z.array(z.string()),
    }),
  },
  refuses: ANY_ACTION,
} as const satisfies Operation;

/** `GET /admin/v1/trail`. */
export const SHOW_AUDIT_LOG = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/trail",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "What operators did",
  description: "Newest first. An action's outcome is an entry of its own that names the action's number.",
  security: "readerToken",
  answers: {
    description: "The latest entries, and whether the whole audit log is as it was written.",
    shape: z.object({
      intact: z.boolean(),
      entries: z.int().optional(),
      digest: z.string().optional(),
      at: z.int().optional(),
      latest: z.array(z.looseObject({
        number: z.int().min(1),
        atSeconds: seconds,
        previous: z.string(),
        digest: z.string(),
      })),
    }),
  },
  refuses: ANY_OPERATOR,
} as const satisfies Operation;

/** `GET /admin/v1/trail.ndjson`. */
export const EXPORT_AUDIT_LOG = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/trail.ndjson",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "The whole audit log, to be checked elsewhere",
  description: "Oldest first, each line as it is stored: it holds the SHA-256 of the line before it.",
  security: "readerToken",
  answers: { description: "One entry a line.", type: "application/x-ndjson" },
  refuses: ANY_OPERATOR,
} as const satisfies Operation;
