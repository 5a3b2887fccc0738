/**
 * `POST /acs/v1/apps/{app}/evaluate`: issuance for other servers' clients (docs/protocol.md, section 8).
 *
 * @module
 */
import { Hono } from "hono";
import { evaluate } from "../../core/acs/evaluate.ts";
import type { Service } from "../../core/service.ts";
import { BATCH_RESPONSE_TYPE, maxRequestLength } from "../../core/token/batch.ts";
import { requireServiceToken } from "../../edge/auth/service_token.ts";
import { CLIENT_HEADER, STORE_HEADER } from "../../edge/http/headers.ts";
import { EVALUATE } from "../../edge/operations/other_servers.ts";
import { readRequest } from "../../edge/read_request.ts";

/** The router of issuance for other servers. */
export function evaluateRoutes(service: Service): Hono {
  return new Hono().post(EVALUATE.path, async function evaluateBatch(c) {
    const app = service.appOf(c.req.param("app"));
    requireServiceToken(app, c.req.raw.headers);
    const { headers, body } = await readRequest(c, EVALUATE, { maxBytes: maxRequestLength(app.maxBatch) });
    const response = await evaluate(service, {
      app,
      client: headers[CLIENT_HEADER],
      storeId: headers[STORE_HEADER],
      request: body,
      nowSeconds: service.now(),
    });
    return c.body(response, 200, { "content-type": BATCH_RESPONSE_TYPE, "cache-control": "no-store" });
  });
}
