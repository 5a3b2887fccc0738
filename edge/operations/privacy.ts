/**
 * What operators see of risk and releases, and do about them.
 *
 * @module
 */
import { z } from "zod";
import type { Operation } from "./operation.ts";
import {
  ANY_ACTION,
  ANY_OPERATOR,
  OF_APPLICATION,
  OF_DAY,
  OPERATOR_ACTS,
  OPERATOR_READS,
  operatorBody,
} from "./parts.ts";
import { lifting, releasing, seconds } from "./shapes.ts";

const share = z.number().min(0).max(1);
const figures = z.strictObject({
  pseudonyms: z.int(),
  values: z.int(),
  sampled: z.int(),
  rare: z.int(),
  share,
  lowerBound: share,
  exposed: share,
  exposedLeast: share.optional().describe("Absent from alerts that were raised before it was measured"),
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
export const SHOW_RISK = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/apps/:app/risk",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "What is measured of re-identification risk, stopped and alerted",
  security: "readerToken",
  parameters: OF_APPLICATION,
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
        event: z.string().describe(
          "ALL: what pseudonyms say in total; sampled and rare are pseudonyms there",
        ),
        fields: z.array(z.string()),
        verdict: z.enum(["waiting", "passed", "warn", "stop"]),
        figures,
        thresholds: z.looseObject({ minPseudonyms: z.int(), action: z.string() }),
      })),
      alerts: z.array(alert),
    }),
  },
  refuses: [...ANY_OPERATOR, "app_unknown"],
} as const satisfies Operation;

const fieldName = z.strictObject({ app: z.string(), event: z.string(), field: z.string() });

/** `GET /admin/v1/joins`. */
export const SHOW_JOINS = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/joins",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "Which fields link records by their values, within and across applications",
  security: "readerToken",
  ofEach: true,
  answers: {
    description: "Pairs of fields of many values of which one seems to hold at least half of the other's.",
    shape: z.strictObject({
      joins: z.array(
        z.strictObject({
          first: fieldName,
          second: fieldName,
          shared: z.int(),
          compared: z.int().describe("Values of the first of which it is known whether the second has them"),
          containment: share,
          interval: z.strictObject({ lower: share, upper: share }).describe(
            "Of the containment, with 95 % confidence",
          ),
          jaccard: share,
        }),
      ),
      undecided: z.int().describe("Pairs that may be such, of which too few values could be compared"),
    }),
  },
  refuses: ANY_OPERATOR,
} as const satisfies Operation;

/** `POST /admin/v1/apps/{app}/risk/lift`. */
export const LIFT_SUPPRESSION = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/apps/:app/risk/lift",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Take a stop back until the pseudonyms change next",
  security: "adminToken",
  parameters: OF_APPLICATION,
  takes: {
    ...operatorBody,
    description: "Whose stop, and why.",
    shape: lifting,
    expected: 'Send {"event": "...", "reason": "..."}, and "field" for a field.',
  },
  answers: { description: "What was lifted.", shape: z.strictObject({ lifted: z.string() }) },
  refuses: [...ANY_ACTION, "app_unknown", "stop_unknown"],
} as const satisfies Operation;

const loss = z.strictObject({
  epsilon: z.number().describe("Of a rho: at a delta of 1e-6 more"),
  rho: z.number().optional(),
  delta: z.number(),
});
const day = z.string().describe("YYYY-MM-DD, UTC");
const cellValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const estimatedShare = z.strictObject({
  share: share.nullable().describe("null: the noised whole is not positive"),
  lower: share,
  upper: share,
});
const total = {
  count: z.int(),
  lower: z.int(),
  upper: z.int(),
  rate: estimatedShare.optional().describe("Of a rate: the share of the people with the event"),
};
const range = z.strictObject({
  from: z.number().nullable().describe("null: below the first edge"),
  to: z.number().nullable().describe("null: above the last edge"),
});

const fraction = z.string().regex(/^[0-9]+(\/[0-9]+)?$/);
const method = z.strictObject({
  code: z.string().describe("The version of the code"),
  mechanism: z.enum(["discrete-laplace", "discrete-gaussian"]),
  parameter: fraction.describe("The scale of Laplace noise, the variance of Gaussian noise"),
  clamps: z.strictObject({ "cells-per-person": z.int(), "events-per-cell": z.int() }),
  cost: z.strictObject({ unit: z.enum(["epsilon", "rho"]), amount: fraction, delta: fraction }),
  cells: z.union([
    z.strictObject({ declared: z.int() }),
    z.strictObject({
      selected: z.strictObject({
        epsilon: fraction,
        delta: fraction,
        "minimum-people": z.int(),
        "certain-from": z.int(),
      }),
    }),
  ]),
  threshold: z.int(),
  "shown-from": z.int().optional().describe(
    "Figures below it are not shown, and the intervals of those near it begin at 0; no less than the threshold",
  ),
  confidence: z.number(),
  "local-dp": z.strictObject({ epsilon: z.number(), values: z.int(), reports: z.int() }).optional(),
}).describe("How it was made, in exact fractions: `deno task release verify` computes it again");
const proof = z.strictObject({
  salt: z.string(),
  digest: z.string(),
  entry: z.int().min(1),
  statement: z.literal(2).optional().describe("Absent: the digest has neither totals nor quantiles"),
}).describe("The SHA-256 of what is published, and the entry of the audit log that holds it");

/** `GET /admin/v1/apps/{app}/releases`. */
export const SHOW_RELEASES = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/apps/:app/releases",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "Counts of people with differential privacy",
  description: "The releases of the last 31 days. Nothing raw is touched.",
  security: "analystToken",
  parameters: OF_APPLICATION,
  answers: {
    description: "Figures with their noise, 95 % intervals and costs, and what is left of the budget.",
    shape: z.strictObject({
      app: z.string(),
      budgets: z.array(z.strictObject({ from: day, to: day, budget: loss, spent: loss, left: loss })),
      releases: z.array(z.object({
        query: z.string(),
        day,
        from: day.optional().describe("Of a period: its first day; `day` is its last one"),
        event: z.string(),
        among: z.string().optional().describe("Of a rate: the event of those among whom people are counted"),
        by: z.array(z.string()),
        counts: z.enum(["people", "events"]),
        bounds: z.strictObject({ "cells-per-person": z.int(), "events-per-cell": z.int() }),
        cells: z.enum(["declared", "selected"]),
        threshold: z.int(),
        cost: loss,
        noise: z.union([
          z.strictObject({ kind: z.literal("laplace"), scale: z.number() }),
          z.strictObject({ kind: z.literal("gaussian"), "standard-deviation": z.number() }),
        ]),
        "local-dp": z.strictObject({ epsilon: z.number() }).nullable().optional(),
        confidence: z.number(),
        published: z.string(),
        early: z.boolean(),
        withheld: z.int(),
        method: method.optional(),
        proof: proof.optional(),
        figures: z.array(z.strictObject({
          cell: z.record(z.string(), cellValue),
          count: z.int(),
          lower: z.int(),
          upper: z.int(),
          among: z.int().optional().describe("Of a rate: the people with either event"),
          rate: estimatedShare.optional(),
        })),
        totals: z.strictObject({
          all: z.strictObject(total),
          values: z.array(z.strictObject({
            field: z.string(),
            value: cellValue,
            ...total,
            share: estimatedShare.describe("Of all"),
          })),
        }).optional().describe(
          "Sums of cells, those below the threshold too; absent where they cannot be added",
        ),
        quantiles: z.array(z.strictObject({
          field: z.string(),
          among: z.record(z.string(), cellValue),
          quantile: z.number(),
          range,
          interval: range,
        })).optional().describe(
          "Of fields of buckets, over all and for each combination of the other fields",
        ),
      })),
    }),
  },
  refuses: ["admin_token_invalid", "app_unknown"],
} as const satisfies Operation;

/** `GET /admin/v1/apps/{app}/releases.csv`. */
export const SHOW_RELEASES_CSV = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/apps/:app/releases.csv",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "The same as CSV",
  security: "analystToken",
  parameters: OF_APPLICATION,
  answers: { description: "One figure a line.", type: "text/csv" },
  refuses: ["admin_token_invalid", "app_unknown"],
} as const satisfies Operation;

/** `GET /admin/v1/apps/{app}/releases/{day}`. */
export const FORESEE_RELEASES = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/apps/:app/releases/:day",
  // Its path is that of what acts, and the edge knows a kind of route by its path.
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "What answering the questions about a day would cost",
  description:
    "Nothing is counted or paid. Of a day that is not over it tells what answering it early would.",
  security: "analystToken",
  parameters: OF_DAY,
  answers: {
    description:
      "Each question with its cost, what those that would be answered cost together, and what is left.",
    shape: z.strictObject({
      app: z.string(),
      day,
      over: z.boolean(),
      first: day.nullable().describe("The day of the first key, before which there is nothing to answer"),
      questions: z.record(
        z.string(),
        z.strictObject({
          state: z.enum([
            "to answer",
            "paid",
            "present",
            "refused",
            "withheld",
            "not over",
            "before the first key",
            "incomplete",
          ]),
          cost: loss,
        }),
      ),
      cost: loss,
      budget: z.strictObject({ from: day, to: day, budget: loss, spent: loss, left: loss }).nullable(),
    }),
  },
  refuses: [...ANY_OPERATOR, "app_unknown"],
} as const satisfies Operation;

/** `POST /admin/v1/apps/{app}/releases/{day}`. */
export const MAKE_RELEASES = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/apps/:app/releases/:day",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Answer all questions about a day that are not answered yet",
  description: "May be repeated: what is answered stays as it is, and is paid for once.",
  security: "adminToken",
  parameters: OF_DAY,
  takes: {
    ...operatorBody,
    maxBytes: 1_024,
    description: "Whether the day may be one that is not over: what comes later is in no release then.",
    shape: releasing,
    expected: 'Send {} or {"early": true}.',
  },
  answers: {
    description: "What became of each question.",
    shape: z.strictObject({
      app: z.string(),
      day,
      outcomes: z.record(
        z.string(),
        z.enum([
          "published",
          "present",
          "refused",
          "withheld",
          "not over",
          "before the first key",
          "incomplete",
          "impossible",
          "busy",
        ]),
      ),
    }),
  },
  refuses: [...ANY_ACTION, "app_unknown"],
} as const satisfies Operation;
