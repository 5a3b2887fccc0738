/**
 * `POST /acs/v1/apps/{app}/evaluate` and `/redeem`: the ACS for other application servers (docs/protocol.md, section 8).
 *
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import { DecodeError, equalPublic, fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import type { Application } from "../../core/config/types.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Redemption } from "../../core/acs/redemption.ts";
import type { Service } from "../../core/service.ts";
import { BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import type { Credential } from "../../core/token/credential.ts";
import { decodeTranscript, type Transcript } from "../../core/token/mac.ts";
import { isBearerOf } from "../../edge/auth/bearer.ts";
import { CLIENT_HEADER } from "../../edge/http/headers.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";
import { maxRequestBytes, requireBatchType } from "../client/tokens.ts";
import { described } from "../openapi/describe.ts";
import { EVALUATE, REDEEM } from "../openapi/client_operations.ts";

/** Enough for every field at its length; the transcript of the longest application id has 213 bytes. */
const MAX_REDEMPTION_BYTES = 2_048;
const CLIENT = /^[\x21-\x7e]{1,128}$/;

const redemptionRequest = z.strictObject({
  key: z.string(),
  nonce: z.string(),
  use: z.int().min(0).max(9_999),
  mac: z.string(),
  transcript: z.string(),
});

/** The router of the ACS. */
export function acsRoutes(service: Service): Hono {
  return new Hono()
    .post("/acs/v1/apps/:app/evaluate", described(EVALUATE), async function evaluateBatch(c) {
      const app = service.appOf(c.req.param("app"));
      requireServiceToken(app, c.req.raw.headers);
      requireBatchType(c.req.raw.headers);
      const subject = c.req.header(CLIENT_HEADER) ?? "";
      if (!CLIENT.test(subject)) {
        throw new Refusal("body_malformed", "DIT-Client is not 1 to 128 visible ASCII characters.");
      }
      const body = await readBoundedBody(c.req.raw, maxRequestBytes(app.maxBatch));
      // No session has an empty issuer: a service's client is never counted with one of this server's own.
      const response = await service.issuer.issue(app, { issuer: "", subject }, body, service.now());
      return c.body(response, 200, { "content-type": BATCH_RESPONSE_TYPE, "cache-control": "no-store" });
    })
    .post("/acs/v1/apps/:app/redeem", described(REDEEM), async function redeemUse(c) {
      const app = service.appOf(c.req.param("app"));
      requireServiceToken(app, c.req.raw.headers);
      if (c.req.header("content-type")?.toLowerCase() !== "application/json") {
        throw new Refusal("media_type", "The content type is not application/json without parameters.");
      }
      const redemption = readRedemption(app.id, await readBoundedBody(c.req.raw, MAX_REDEMPTION_BYTES));
      const nowSeconds = service.now();
      const { redeemer } = service;
      const { key, macKey } = await redeemer.verify(redemption, nowSeconds);
      const { replayed } = await redeemer.claim(app.id, key, redemption.credential, nowSeconds);
      return c.json(
        { status: replayed ? "replayed" : "accepted", mac_key: toBase64url(macKey) },
        200,
        { "cache-control": "no-store" },
      );
    });
}

/** The service of one application never reaches another's keys: each has its own token. */
function requireServiceToken(app: Application, headers: Headers): void {
  const digest = app.serviceTokenSha256;
  if (digest === undefined || !isBearerOf(headers.get("authorization"), Uint8Array.fromHex(digest))) {
    throw new Refusal("service_token_invalid", "The service token is missing or not this application's.");
  }
}

/** The transcript has to say what the request says: one valid transcript can claim nothing else. */
function readRedemption(app: string, body: Uint8Array): Redemption {
  const request = redemptionRequest.safeParse(parseJson(body));
  if (!request.success) {
    throw new Refusal("body_malformed", "The body is not a redemption: key, nonce, use, mac, transcript.");
  }
  let credential: Credential;
  let encoded: Uint8Array;
  try {
    credential = {
      keyId: fromBase64url(request.data.key, 32),
      nonce: fromBase64url(request.data.nonce, 32),
      use: request.data.use,
      mac: fromBase64url(request.data.mac, 32),
    };
    encoded = fromBase64url(request.data.transcript);
  } catch (error) {
    if (error instanceof DecodeError) throw new Refusal("body_malformed", `${error.message}.`);
    throw error;
  }
  const transcript = readTranscript(encoded);
  if (
    transcript === undefined || transcript.app !== app || transcript.use !== credential.use ||
    !equalPublic(transcript.keyId, credential.keyId) || !equalPublic(transcript.nonce, credential.nonce)
  ) {
    throw new Refusal("mac_invalid", "The transcript is not one of this request.");
  }
  const { contentEncoding, bodyDigest } = transcript;
  return { app, credential, body: { contentEncoding, bodyDigest } };
}

function readTranscript(bytes: Uint8Array): Transcript | undefined {
  try {
    return decodeTranscript(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
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
