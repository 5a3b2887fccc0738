/**
 * What other application servers call: the ACS (docs/protocol.md, section 8).
 *
 * @module
 */
import { z } from "zod";
import { BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import { CLIENT_HEADER, STORE_HEADER } from "../http/headers.ts";
import type { Operation } from "./operation.ts";
import { ANY_BODY, ANY_CREDENTIAL, batch, OF_APPLICATION } from "./parts.ts";
import { foundRedeemed, redeemed, redemption } from "./shapes.ts";

const SERVER_SENDS = [
  "content-type",
  "content-encoding",
  "content-length",
  "authorization",
  STORE_HEADER,
] as const;
const NO_STORE = "DIT-Store is not base64url of 16 bytes.";
/** Which store the caller's logs go to. */
const OF_STORE = {
  [STORE_HEADER]: z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/, NO_STORE).optional()
    .describe(
      "The id of the store that the caller's logs go to: base64url of 16 random bytes, the same for good.",
    ),
};
const NO_CLIENT = "DIT-Client is not 1 to 128 visible ASCII characters.";

/** `POST /acs/v1/apps/{app}/evaluate`. */
export const EVALUATE = {
  kind: "acs",
  method: "POST",
  path: "/acs/v1/apps/:app/evaluate",
  passes: [...SERVER_SENDS, CLIENT_HEADER],
  tag: "Other servers",
  summary: "Have tokens of another server's client signed",
  security: "serviceToken",
  parameters: OF_APPLICATION,
  takesHeaders: {
    ...OF_STORE,
    [CLIENT_HEADER]: z.string(NO_CLIENT).regex(/^[\x21-\x7e]{1,128}$/, NO_CLIENT)
      .describe("A keyed hash of the client, 1 to 128 visible ASCII characters."),
  },
  takes: batch,
  answers: { description: "Evaluated elements and one proof for them all.", type: BATCH_RESPONSE_TYPE },
  refuses: [
    "app_unknown",
    "service_token_invalid",
    "store_pinned",
    ...ANY_BODY,
    "batch_invalid",
    "key_not_issuing",
    "quota_exhausted",
  ],
} as const satisfies Operation;

/** A use as another server presents it. */
const TRANSCRIBED_USE = {
  description: "The credential and the transcript that its MAC covers, never the log.",
  type: "application/json",
  namesType: true,
  // Enough for every member at its length; the transcript of the longest application id has 213 bytes.
  maxBytes: 2_048,
  shape: redemption,
  expected: "The body is not a redemption: key, nonce, use, mac, transcript.",
} as const;

/** `POST /acs/v1/apps/{app}/redeem`. */
export const REDEEM = {
  kind: "acs",
  method: "POST",
  path: "/acs/v1/apps/:app/redeem",
  passes: SERVER_SENDS,
  tag: "Other servers",
  summary: "Redeem a use for a log that another server keeps",
  security: "serviceToken",
  parameters: OF_APPLICATION,
  takesHeaders: OF_STORE,
  takes: TRANSCRIBED_USE,
  answers: { description: "The use is redeemed.", shape: redeemed },
  refuses: ["app_unknown", "service_token_invalid", "store_pinned", ...ANY_CREDENTIAL, ...ANY_BODY],
} as const satisfies Operation;

/** `POST /acs/v1/apps/{app}/redeemed`. */
export const FIND_REDEEMED = {
  kind: "acs",
  method: "POST",
  path: "/acs/v1/apps/:app/redeemed",
  passes: SERVER_SENDS,
  tag: "Other servers",
  summary: "Ask whether a use was redeemed by this very request, and redeem nothing",
  security: "serviceToken",
  parameters: OF_APPLICATION,
  takesHeaders: OF_STORE,
  takes: TRANSCRIBED_USE,
  answers: { description: "Whether it was, and then the MAC key.", shape: foundRedeemed },
  refuses: [
    "app_unknown",
    "service_token_invalid",
    "store_pinned",
    "key_unknown",
    "key_expired",
    "mac_invalid",
    "use_out_of_range",
    ...ANY_BODY,
  ],
} as const satisfies Operation;
