/**
 * `GET /v1/apps/{app}/schema`: what an application collects, and what of it is stopped (docs/protocol.md, section 10).
 *
 * @module
 */
import { Hono } from "hono";
import { toBase64url, utf8 } from "../../core/base/bytes.ts";
import { schemaDocument } from "../../core/schema/document.ts";
import type { Server } from "../../core/service.ts";
import { digestBody } from "../../core/token/mac.ts";
import { SHOW_SCHEMA } from "../../edge/operations/client.ts";
import { serveDocument } from "./serve_document.ts";

/** Seconds that a schema may be cached: how long a stop may take to reach a client that does not send. */
const MAX_AGE_SECONDS = 300;

/** The router of the schema. */
export function schemaRoutes(service: Server): Hono {
  return new Hono().get(SHOW_SCHEMA.path, function serveSchema(c) {
    const app = service.appOf(c.req.param("app"));
    const document = schemaDocument(app, service.suppressionsOf(app.id), service.now());
    const body = utf8(JSON.stringify(document));
    const etag = `"${toBase64url(digestBody(body))}"`;
    return serveDocument(c, { body, etag, caching: `public, max-age=${MAX_AGE_SECONDS}` });
  });
}
