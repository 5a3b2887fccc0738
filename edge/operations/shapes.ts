/**
 * The shapes of JSON that are sent and answered (docs/protocol.md).
 *
 * @module
 */
import { z } from "zod";
import { DecodeError, fromBase64url } from "../../core/base/bytes.ts";
import { MAX_EVENTS, SALT_LENGTH } from "../../core/schema/body.ts";
import { GRANULARITIES, SAMPLE_RATES } from "../../core/schema/bounds.ts";
import { FIELD_DOCS } from "../../core/schema/fields/docs.ts";
import { PSEUDONYM_LENGTH } from "../../core/schema/pseudonym.ts";
import { MAX_BATCH } from "../../core/token/batch.ts";
import { NONCE_LENGTH } from "../../core/token/nonce.ts";

const patternOf = (bytes: number) => `^[A-Za-z0-9_-]{${Math.ceil(bytes * 4 / 3)}}$`;
const base64url = (bytes: number) => z.string().regex(new RegExp(patternOf(bytes)));
/** Base64url that is read as its bytes, of any number unless `length` says it. The decoder says what is wrong. */
const bytes = (length?: number) =>
  z.string().meta(length === undefined ? {} : { pattern: patternOf(length) }).transform(
    (text, { addIssue }) => {
      try {
        return fromBase64url(text, length);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        addIssue(`${error.message}.`);
        return z.NEVER;
      }
    },
  );
/** A moment. */
export const seconds = z.int().min(0).describe("Unix seconds");

/** The answer to an accepted log. */
export const acceptedLog = z.strictObject({
  accepted: z.int().min(0),
  rejected: z.array(z.strictObject({
    index: z.int().min(0),
    code: z.enum([
      "event_unknown",
      "field_unknown",
      "field_missing",
      "field_invalid",
      "collection_stopped",
      "field_suppressed",
    ]),
    path: z.string(),
  })),
});

/** The answer to a batch of logs. */
export const logOutcomes = z.strictObject({
  outcomes: z.array(z.union([
    acceptedLog.extend({
      status: z.literal(200),
      replayed: z.boolean().describe("Whether this very log had been accepted before."),
    }),
    z.looseObject({
      status: z.int().min(400).max(599),
      code: z.string(),
      detail: z.string(),
      "retry-after": z.int().min(1).optional().describe("Seconds to wait."),
    }).describe("The problem that a request of its own would have got."),
  ])).min(1),
});

/** A log. */
export const log = z.strictObject({
  salt: base64url(SALT_LENGTH),
  pseudonym: base64url(PSEUDONYM_LENGTH).optional().describe(
    "Required, with its binding, where the schema has `pseudonym-seconds`; refused where it has not.",
  ),
  binding: base64url(NONCE_LENGTH).optional().describe(
    "Binds the token's nonce to the pseudonym (docs/protocol.md, section 3).",
  ),
  pad: z.string().optional(),
  events: z.array(z.strictObject({
    name: z.string(),
    at: z.iso.datetime().optional(),
    fields: z.record(
      z.string(),
      z.union([z.boolean(), z.string(), z.number(), z.array(z.number())]),
    ),
  })).min(1).max(MAX_EVENTS),
});

const endpoint = z.string().regex(/^https?:\/\/[^\/?#@]+$/);

/** The directory of an application's keys. */
export const directory = z.strictObject({
  issuer: z.string(),
  app: z.string(),
  region: z.string(),
  "issuing-endpoint": endpoint.optional().describe("Where tokens are issued; absent: at this host."),
  "logging-endpoint": endpoint.optional().describe("Where logs are taken; absent: at this host."),
  "epoch-seconds": z.int().min(1),
  "uses-per-token": z.int().min(1).max(1024),
  "max-batch": z.int().min(1).max(MAX_BATCH),
  "tokens-per-client": z.int().min(1).max(1024),
  "token-keys": z.array(z.strictObject({
    "token-type": z.union([z.literal(1), z.literal(5)]),
    "token-key": z.string().regex(/^[A-Za-z0-9_-]{43,66}$/),
    "token-key-id": base64url(32),
    region: z.string(),
    epoch: z.int().min(0),
    generation: z.int().min(0),
    "not-before": seconds,
    "issue-until": seconds,
    "redeem-until": seconds,
    "chain-number": z.int().min(0).optional().describe("One more than that of the key made before it."),
    chain: base64url(32).optional().describe("Commits to this key and to all that were made before it."),
  })),
});

/** The leaves of the chain of a region's keys. */
export const keyHistory = z.strictObject({
  app: z.string(),
  region: z.string(),
  first: z.int().min(0).describe("The number of the first leaf."),
  before: base64url(32).describe("The link before it."),
  leaves: z.string().describe("32 bytes each, in base64url."),
});

const fieldOptions = {
  description: z.string().optional(),
  optional: z.boolean().optional(),
  suppressed: z.literal(true).optional(),
  "local-dp": z.strictObject({
    epsilon: z.number().positive(),
    mechanism: z.string(),
    "max-values": z.int().min(1).max(16),
  }).optional(),
};

/** What an application collects. */
export const schema = z.strictObject({
  app: z.string(),
  "pseudonym-seconds": z.int().min(86_400).max(400 * 86_400).multipleOf(86_400).optional(),
  "granularity-seconds": z.literal(GRANULARITIES),
  events: z.array(z.strictObject({
    name: z.string(),
    description: z.string(),
    purpose: z.string(),
    owner: z.string(),
    review: z.string().optional(),
    expires: z.iso.date(),
    state: z.enum(["open", "stopped"]),
    sample: z.literal(SAMPLE_RATES),
    fields: z.record(
      z.string(),
      z.union(
        [...FIELD_DOCS].map(([type, { shape }]) =>
          z.strictObject({ type: z.literal(type), ...shape, ...fieldOptions })
        ),
      ),
    ),
  })),
});

/** A redemption that another server asks for. */
export const redemption = z.strictObject({
  key: bytes(32),
  nonce: bytes(32),
  use: z.int().min(0).max(9_999),
  mac: bytes(32),
  transcript: bytes(),
});

/** The id of a log server's store. */
export const storeId = z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/).describe("Base64url of 16 bytes.");

/** The answer to it. */
export const redeemed = z.strictObject({
  status: z.enum(["accepted", "replayed"]),
  mac_key: base64url(32),
  not_before: z.int().min(0).describe("Unix seconds: when the epoch of the key begins."),
  redeem_until: z.int().min(0).describe("Unix seconds: when the key redeems no more."),
});

/** The answer to whether a use was redeemed by this very request. */
export const foundRedeemed = z.strictObject({
  redeemed: z.boolean(),
  mac_key: base64url(32).optional().describe("Where it was."),
});

/** Why an operator acts. */
export const reason = z.string().max(300).optional().describe("For the audit log.");

/** Why an operator acts; it is optional, and so is the body. */
export const explanation = z.strictObject({ reason }).optional();

/** Which key an operator's rotation makes; it is optional, and so is the body. */
export const rotation = z.strictObject({
  key: z.strictObject({ epoch: z.int().min(0), generation: z.int().min(0).max(1_000_000) }).optional()
    .describe("The key to make: repeated, the call makes no other. The next one where it is absent."),
  reason,
}).optional();

/** Which keys of an application an operator revokes. */
export const revocation = z.strictObject({
  epoch: z.int().min(0),
  "through-generation": z.int().min(0).max(1_000_000),
  reason,
});

/** How an operator replaces keys that are gone; it is optional, and so is the body. */
export const replacing = z.strictObject({
  "least-generation": z.int().min(0).max(1_000_000).optional()
    .describe("Makes none below, for keys that a program before this one destroyed."),
  reason,
}).optional();

/** What time an operator confirms. */
export const confirming = z.strictObject({
  seconds: seconds.describe("What time it is by the operator's own clock, in Unix seconds."),
  reason,
});

/** Which stop an operator lifts. */
export const lifting = z.strictObject({
  event: z.string(),
  field: z.string().optional(),
  reason: z.string().trim().min(1).max(500),
});

/** How an operator has a day released. */
export const releasing = z.strictObject({ early: z.boolean().optional() });
