/**
 * `POST /acs/v1/apps/{app}/evaluate`: issuance for other servers' clients (docs/protocol.md, section 8).
 *
 * @module
 */
import { Hono } from "hono";
import { evaluate } from "../../core/acs/evaluate.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Service } from "../../core/service.ts";
import { BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import { requireServiceToken } from "../../edge/auth/service_token.ts";
import { readBatch, requireBatchType } from "../../edge/http/read_batch.ts";
import { CLIENT_HEADER } from "../../edge/http/headers.ts";
import { EVALUATE } from "../openapi/client_operations.ts";
import { described } from "../openapi/describe.ts";

const CLIENT = /^[\x21-\x7e]{1,128}$/;

/** The router of issuance for other servers. */
export function evaluateRoutes(service: Service): Hono {
  return new Hono().post("/acs/v1/apps/:app/evaluate", described(EVALUATE), async function evaluateBatch(c) {
    const app = service.appOf(c.req.param("app"));
    const { headers } = c.req.raw;
    requireServiceToken(app, headers);
    requireBatchType(headers);
    const client = requireClient(headers);
    const request = await readBatch(c.req.raw, app);
    const response = await evaluate(service, { app, client, request, nowSeconds: service.now() });
    return c.body(response, 200, { "content-type": BATCH_RESPONSE_TYPE, "cache-control": "no-store" });
  });
}

function requireClient(headers: Headers): string {
  const client = headers.get(CLIENT_HEADER) ?? "";
  if (!CLIENT.test(client)) {
    throw new Refusal("body_malformed", "DIT-Client is not 1 to 128 visible ASCII characters.");
  }
  return client;
}
