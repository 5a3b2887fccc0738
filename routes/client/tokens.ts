/**
 * `POST /v1/apps/{app}/tokens`: authenticated issuance (docs/protocol.md, section 4).
 *
 * @module
 */
import { Hono } from "hono";
import { issueTokens } from "../../core/acs/issue_tokens.ts";
import type { Server } from "../../core/service.ts";
import { BATCH_RESPONSE_TYPE, maxRequestLength } from "../../core/token/batch.ts";
import type { SessionAuthenticator } from "../../edge/auth/session.ts";
import { ISSUE_TOKENS } from "../../edge/operations/client.ts";
import { readRequest, requireMediaType } from "../../edge/read_request.ts";

/**
 * The router of issuance. `sessions` has an authenticator for every application; a body has to arrive within
 * `bodyDeadlineMs`.
 */
export function tokensRoutes(
  service: Server,
  sessions: ReadonlyMap<string, SessionAuthenticator>,
  bodyDeadlineMs?: number,
): Hono {
  return new Hono().post(ISSUE_TOKENS.path, async function sendTokens(c) {
    const app = service.appOf(c.req.param("app"));
    const { headers } = c.req.raw;
    requireMediaType(headers, ISSUE_TOKENS);
    const authenticate = sessions.get(app.id);
    if (authenticate === undefined) throw new Error(`Nothing verifies the sessions of ${app.id}.`);
    const authorization = headers.get("authorization");
    const askedAtSeconds = service.now();
    let client = await authenticate(authorization, askedAtSeconds);
    const bounds = { maxBytes: maxRequestLength(app.maxBatch), deadlineMs: bodyDeadlineMs };
    const { body: request } = await readRequest(c, ISSUE_TOKENS, bounds);
    // A body may take its time, and the session may have ended meanwhile: it has to hold when there is something to sign.
    const arrivedAtSeconds = service.now();
    if (arrivedAtSeconds !== askedAtSeconds) client = await authenticate(authorization, arrivedAtSeconds);
    const response = await issueTokens(service, { app, client, request, nowSeconds: service.now() });
    return c.body(response, 200, { "content-type": BATCH_RESPONSE_TYPE, "cache-control": "no-store" });
  });
}
