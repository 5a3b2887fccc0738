/**
 * What is documented of the routes that operators call.
 *
 * @module
 */
import { z } from "zod";
import type { RefusalCode } from "../../core/base/errors.ts";
import type { Operation } from "./describe.ts";
import { explanation, revocation } from "./shapes.ts";

const seconds = z.int().min(0).describe("Unix seconds");
const keyName = z.object({
  app: z.string(),
  region: z.string(),
  epoch: z.int(),
  generation: z.int(),
});
const READ: readonly RefusalCode[] = ["admin_token_invalid"];
const ACT: readonly RefusalCode[] = [...READ, "role_insufficient", "body_too_large", "request_timeout"];

/** `GET /admin/v1/keys`. */
export const LIST_KEYS: Operation = {
  tag: "Operators",
  summary: "All signing keys and where they stand",
  security: "adminToken",
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
  refuses: READ,
};

/** `POST /admin/v1/keys/reseal`. */
export const RESEAL_KEYS: Operation = {
  tag: "Operators",
  summary: "Seal every key under the newest sealing key",
  security: "adminToken",
  takes: { description: "Why, if anybody asks.", shape: explanation },
  answers: {
    description: "How many were sealed again, and how many do not open.",
    shape: z.strictObject({ resealed: z.int(), unreadable: z.int() }),
  },
  refuses: [...ACT, "body_malformed"],
};

/** `POST /admin/v1/apps/{app}/keys/rotate`. */
export const ROTATE_KEYS: Operation = {
  tag: "Operators",
  summary: "Start the next generation of the current epoch",
  security: "adminToken",
  takes: { description: "Why, if anybody asks.", shape: explanation },
  answers: { description: "The key that issues now.", shape: z.strictObject({ made: keyName }) },
  refuses: [...ACT, "app_unknown", "body_malformed", "replacement_refused"],
};

/** `POST /admin/v1/apps/{app}/keys/revoke`. */
export const REVOKE_KEYS: Operation = {
  tag: "Operators",
  summary: "End an epoch's keys up to a generation at once",
  description: "Every token under them ends with them. May be repeated.",
  security: "adminToken",
  takes: {
    description: "Which keys.",
    shape: revocation,
  },
  answers: {
    description: "The keys that are revoked now, and the one that took over.",
    shape: z.strictObject({ revoked: z.array(keyName), replacement: keyName.optional() }),
  },
  refuses: [...ACT, "app_unknown", "epoch_unknown", "body_malformed"],
};

/** `GET /admin/v1/apps/{app}/logs/{day}`. */
export const EXPORT_LOGS: Operation = {
  tag: "Operators",
  summary: "Export a day's records",
  description: "Raw records: only the admin token may, and the trail says that it did.",
  security: "adminToken",
  answers: { description: "One record a line, shuffled.", type: "application/x-ndjson" },
  refuses: [...ACT, "app_unknown"],
};

/** `POST /admin/v1/audit`. */
export const AUDIT: Operation = {
  tag: "Operators",
  summary: "Compare all records with the uses that were claimed",
  security: "adminToken",
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
  refuses: ACT,
};

/** `GET /admin/v1/trail`. */
export const SHOW_TRAIL: Operation = {
  tag: "Operators",
  summary: "What operators did",
  description: "Newest first. An action's outcome is an entry of its own that names the action's number.",
  security: "adminToken",
  answers: {
    description: "The latest entries, and whether the whole trail is as it was written.",
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
  refuses: READ,
};

/** `GET /metrics`. */
export const SHOW_METRICS: Operation = {
  tag: "Operators",
  summary: "This process's counters",
  description: "Prometheus's text format. What clients do anonymously is told as of the last full hour.",
  security: "adminToken",
  answers: { description: "The metrics.", type: "text/plain" },
  refuses: READ,
};
