/**
 * `POST /v1/apps/{app}/tokens`: authenticated issuance (docs/protocol.md, section 4).
 *
 * @module
 */
import { Hono } from "hono";
import { Refusal } from "../../core/base/errors.ts";
import type { Server } from "../../core/service.ts";
import { BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";
import type { SessionAuthenticator } from "../../edge/auth/session.ts";
import { described } from "../openapi/describe.ts";
import { ISSUE_TOKENS } from "../openapi/client_operations.ts";

/**
 * The router of issuance. `sessions` has an authenticator for every application; a body has to arrive within
 * `bodyDeadlineMs`.
 */
export function tokensRoutes(
  service: Server,
  sessions: ReadonlyMap<string, SessionAuthenticator>,
  bodyDeadlineMs?: number,
): Hono {
  return new Hono().post("/v1/apps/:app/tokens", described(ISSUE_TOKENS), async function issueTokens(c) {
    const app = service.appOf(c.req.param("app"));
    const { headers } = c.req.raw;
    requireBatchType(headers);
    const nowSeconds = service.now();
    const client = await sessions.get(app.id)!(headers.get("authorization"), nowSeconds);
    const body = await readBoundedBody(c.req.raw, maxRequestBytes(app.maxBatch), bodyDeadlineMs);
    const response = await service.issuer.issue(app, client, body, nowSeconds);
    return c.body(response, 200, { "content-type": BATCH_RESPONSE_TYPE, "cache-control": "no-store" });
  });
}

/** Refuses what is not a batch of blinded elements by its own account. */
export function requireBatchType(headers: Headers): void {
  if (headers.get("content-type")?.toLowerCase() !== BATCH_REQUEST_TYPE || headers.has("content-encoding")) {
    throw new Refusal("media_type", `The content type is not ${BATCH_REQUEST_TYPE}, unencoded.`);
  }
}

/** Enough for the longest elements (49 bytes), the header and the length; the decoder is exact. */
export function maxRequestBytes(maxBatch: number): number {
  return 3 + 4 + 49 * (maxBatch + 1);
}
