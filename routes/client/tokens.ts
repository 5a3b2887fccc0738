/**
 * `POST /v1/apps/{app}/tokens`: authenticated issuance (docs/protocol.md, section 4).
 *
 * @module
 */
import { Hono } from "hono";
import { issueTokens } from "../../core/acs/issue_tokens.ts";
import type { Server } from "../../core/service.ts";
import { BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import type { SessionAuthenticator } from "../../edge/auth/session.ts";
import { readBatch, requireBatchType } from "../../edge/http/read_batch.ts";
import { ISSUE_TOKENS } from "../openapi/client_operations.ts";
import { described } from "../openapi/describe.ts";

/**
 * The router of issuance. `sessions` has an authenticator for every application; a body has to arrive within
 * `bodyDeadlineMs`.
 */
export function tokensRoutes(
  service: Server,
  sessions: ReadonlyMap<string, SessionAuthenticator>,
  bodyDeadlineMs?: number,
): Hono {
  return new Hono().post("/v1/apps/:app/tokens", described(ISSUE_TOKENS), async function sendTokens(c) {
    const app = service.appOf(c.req.param("app"));
    const { headers } = c.req.raw;
    requireBatchType(headers);
    const nowSeconds = service.now();
    const authenticate = sessions.get(app.id);
    if (authenticate === undefined) throw new Error(`Nothing verifies the sessions of ${app.id}.`);
    const client = await authenticate(headers.get("authorization"), nowSeconds);
    const request = await readBatch(c.req.raw, app, bodyDeadlineMs);
    const response = await issueTokens(service, { app, client, request, nowSeconds });
    return c.body(response, 200, { "content-type": BATCH_RESPONSE_TYPE, "cache-control": "no-store" });
  });
}
