/**
 * `POST /acs/v1/apps/{app}/redeem`: redemption for other servers, which keep the records (docs/protocol.md, section 8).
 *
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import { redeem, type RedeemInput } from "../../core/acs/redeem.ts";
import { DecodeError, fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Service } from "../../core/service.ts";
import { requireServiceToken } from "../../edge/auth/service_token.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";
import { REDEEM } from "../openapi/client_operations.ts";
import { described } from "../openapi/describe.ts";

/** Enough for every field at its length; the transcript of the longest application id has 213 bytes. */
const MAX_BYTES = 2_048;

const redemptionRequest = z.strictObject({
  key: z.string(),
  nonce: z.string(),
  use: z.int().min(0).max(9_999),
  mac: z.string(),
  transcript: z.string(),
});

/** The router of redemption for other servers. */
export function redeemRoutes(service: Service): Hono {
  return new Hono().post("/acs/v1/apps/:app/redeem", described(REDEEM), async function redeemUse(c) {
    const app = service.appOf(c.req.param("app"));
    requireServiceToken(app, c.req.raw.headers);
    if (c.req.header("content-type")?.toLowerCase() !== "application/json") {
      throw new Refusal("media_type", "The content type is not application/json without parameters.");
    }
    const request = readRequest(await readBoundedBody(c.req.raw, MAX_BYTES));
    const { outcome, macKey } = await redeem(service, { app, ...request, nowSeconds: service.now() });
    return c.json({ status: outcome, mac_key: toBase64url(macKey) }, 200, { "cache-control": "no-store" });
  });
}

function readRequest(body: Uint8Array): Pick<RedeemInput, "credential" | "transcript"> {
  const parsed = redemptionRequest.safeParse(parseJson(body));
  if (!parsed.success) {
    throw new Refusal("body_malformed", "The body is not a redemption: key, nonce, use, mac, transcript.");
  }
  const { key, nonce, use, mac, transcript } = parsed.data;
  try {
    return {
      credential: {
        keyId: fromBase64url(key, 32),
        nonce: fromBase64url(nonce, 32),
        use,
        mac: fromBase64url(mac, 32),
      },
      transcript: fromBase64url(transcript),
    };
  } catch (error) {
    if (error instanceof DecodeError) throw new Refusal("body_malformed", `${error.message}.`);
    throw error;
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
