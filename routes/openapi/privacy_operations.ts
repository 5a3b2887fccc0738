/**
 * What is documented of the operators' routes to risk and releases.
 *
 * @module
 */
import { z } from "zod";
import type { RefusalCode } from "../../core/errors.ts";
import type { Operation } from "./describe.ts";

const seconds = z.int().min(0).describe("Unix seconds");
const share = z.number().min(0).max(1);
const READ: readonly RefusalCode[] = ["admin_token_invalid", "app_unknown"];
const ACT: readonly RefusalCode[] = [
  ...READ,
  "role_insufficient",
  "body_malformed",
  "body_too_large",
  "request_timeout",
];

const figures = z.strictObject({
  pseudonyms: z.int(),
  values: z.int(),
  sampled: z.int(),
  rare: z.int(),
  share,
  lowerBound: share,
  exposed: share,
}).describe("What a sketch says; nothing of it is about one value (docs/privacy.md)");

const alert = z.object({
  id: z.string(),
  kind: z.enum(["warn", "stop", "lifted", "passed"]),
  app: z.string(),
  event: z.string(),
  fields: z.array(z.string()),
  action: z.enum(["warn", "suppress-field", "stop-event", "quarantine"]).optional(),
  suppressed: z.string().optional(),
  at: seconds,
  figures: figures.optional(),
  reason: z.string().optional(),
  delivery: z.strictObject({
    state: z.enum(["none", "pending", "sent", "failed"]),
    tries: z.int(),
    dueAt: seconds,
  }),
});

/** `GET /admin/v1/apps/{app}/risk`. */
export const SHOW_RISK: Operation = {
  tag: "Operators",
  summary: "What is measured of re-identification risk, stopped and alerted",
  security: "adminToken",
  answers: {
    description: "The figures of the running pseudonym period, the decisions that hold, and all alerts.",
    shape: z.strictObject({
      app: z.string(),
      decisions: z.record(
        z.string(),
        z.object({
          state: z.enum(["suppressed", "stopped", "quarantined", "passed", "lifted"]),
          since: seconds,
          until: seconds,
          layout: z.string(),
          figures: figures.optional(),
          reason: z.string().optional(),
        }),
      ),
      withheld: z.array(z.string()),
      measured: z.array(z.strictObject({
        event: z.string(),
        fields: z.array(z.string()),
        verdict: z.enum(["waiting", "passed", "warn", "stop"]),
        figures,
        thresholds: z.looseObject({ minPseudonyms: z.int(), action: z.string() }),
      })),
      alerts: z.array(alert),
    }),
  },
  refuses: READ,
};

/** `POST /admin/v1/apps/{app}/risk/lift`. */
export const LIFT_STOP: Operation = {
  tag: "Operators",
  summary: "Take a stop back until the pseudonyms change next",
  security: "adminToken",
  takes: {
    description: "Whose stop, and why.",
    shape: z.strictObject({ event: z.string(), field: z.string().optional(), reason: z.string() }),
  },
  answers: { description: "What was lifted.", shape: z.strictObject({ lifted: z.string() }) },
  refuses: [...ACT, "stop_unknown"],
};
