/**
 * What several operations share.
 *
 * @module
 */
import { z } from "zod";
import type { RefusalCode } from "../../core/base/errors.ts";
import { parseDay } from "../../core/base/time.ts";
import { BATCH_REQUEST_TYPE, MAX_BATCH, maxRequestLength } from "../../core/token/batch.ts";
import type { RequestBody } from "./operation.ts";

/** The path of what belongs to an application. */
export const OF_APPLICATION = { app: z.string().describe("The application's id.") };

const NO_DAY = "The day is not written YYYY-MM-DD.";

/** The path of what belongs to a day of an application; the day is read as days since 1970. */
export const OF_DAY = {
  ...OF_APPLICATION,
  day: z.iso.date(NO_DAY).describe("YYYY-MM-DD, UTC").transform((text, { addIssue }) => {
    const day = parseDay(text);
    if (day === undefined) addIssue(NO_DAY);
    return day ?? z.NEVER;
  }),
};

/** What may be refused of an operator. */
export const ANY_OPERATOR = [
  "admin_token_invalid",
  "role_insufficient",
] as const satisfies readonly RefusalCode[];

/** What may be refused of an operator who acts and sends a body. */
export const ANY_ACTION = [
  ...ANY_OPERATOR,
  "body_too_large",
  "request_timeout",
  "body_malformed",
] as const satisfies readonly RefusalCode[];

/** What reaches an operators' route that reads. */
export const OPERATOR_READS = ["authorization"] as const;
/** What reaches an operators' route that takes a body. */
export const OPERATOR_ACTS = ["content-type", "content-length", ...OPERATOR_READS] as const;

/** A body of JSON that an operator sends. Their tools need not name its type. */
export const operatorBody = {
  type: "application/json",
  namesType: false,
  maxBytes: 4_096,
} as const;

/** What a body may be refused with. */
export const ANY_BODY = [
  "request_timeout",
  "body_too_large",
  "body_malformed",
  "media_type",
] as const satisfies readonly RefusalCode[];

/** What a use of a token may be refused with. */
export const ANY_CREDENTIAL = [
  "key_unknown",
  "key_expired",
  "mac_invalid",
  "use_out_of_range",
  "use_taken",
] as const satisfies readonly RefusalCode[];

const BATCH_START = maxRequestLength(0);
const ELEMENT = maxRequestLength(1) - BATCH_START;

/** A batch of blinded elements; how many bytes it may have is for the application's `max-batch` to say. */
export const batch = {
  description: "Blinded elements (docs/protocol.md, section 4).",
  type: BATCH_REQUEST_TYPE,
  namesType: true,
  encodings: [],
  maxBytes: maxRequestLength(MAX_BATCH),
  bound: `At most ${BATCH_START} bytes, and ${ELEMENT} for each of the application's \`max-batch\` elements.`,
} as const satisfies RequestBody;
