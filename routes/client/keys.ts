/**
 * `GET /v1/apps/{app}/keys` and `GET /v1/apps/{app}/schema`: the two public documents of an application
 * (docs/protocol.md, sections 7 and 10).
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { toBase64url, utf8 } from "../../core/base/bytes.ts";
import { directoryMaxAge, makeDirectory } from "../../core/keys/directory.ts";
import type { Server } from "../../core/service.ts";
import { schemaDocument } from "../../core/schema/document.ts";
import { digestBody } from "../../core/token/mac.ts";
import { HOP_HEADER } from "../../edge/http/headers.ts";
import { type Regions } from "../../edge/remote/region.ts";
import { described } from "../openapi/describe.ts";
import { LIST_PUBLIC_KEYS, SHOW_SCHEMA } from "../openapi/client_operations.ts";

/** Seconds that a schema may be cached: how long a stop may take to reach a client that does not send. */
const SCHEMA_MAX_AGE_SECONDS = 300;

/** The router of the directory. */
export function keysRoutes(service: Server, regions?: Regions): Hono {
  return new Hono()
    .get("/v1/apps/:app/keys", described(LIST_PUBLIC_KEYS), async function serveDirectory(c) {
      const app = service.appOf(c.req.param("app"));
      const nowSeconds = service.now();
      const own = await service.publishedKeys(app.id, nowSeconds);
      // Another region is told of this region's keys only: neither waits for the other's view of itself.
      const isHop = c.req.raw.headers.has(HOP_HEADER);
      const others = isHop ? [] : await regions?.keysOf(app, own, nowSeconds) ?? [];
      const { issuer } = service.deployment;
      const directory = makeDirectory(issuer, service.region, app, [...own, ...others], nowSeconds);
      const maxAge = directoryMaxAge(directory, app, nowSeconds, service.random(1)[0]! / 256);
      // What a region is told must not lie in a cache from which clients are served.
      return serveDocument(
        c,
        directory.body,
        directory.etag,
        isHop ? "no-store" : `public, max-age=${maxAge}`,
      );
    });
}

/** The router of the schema. */
export function schemaRoutes(service: Server): Hono {
  return new Hono()
    .get("/v1/apps/:app/schema", described(SHOW_SCHEMA), function serveSchema(c) {
      const app = service.appOf(c.req.param("app"));
      const document = schemaDocument(app, service.suppressionsOf(app.id), service.now());
      const body = utf8(JSON.stringify(document));
      return serveDocument(
        c,
        body,
        `"${toBase64url(digestBody(body))}"`,
        `public, max-age=${SCHEMA_MAX_AGE_SECONDS}`,
      );
    });
}

function serveDocument(c: Context, body: Uint8Array<ArrayBuffer>, etag: string, caching: string): Response {
  const headers = { etag, "cache-control": caching };
  const known = c.req.header("if-none-match")?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known?.some((tag) => tag === etag || tag === "*")) return c.body(null, 304, headers);
  return c.body(body, 200, { ...headers, "content-type": "application/json" });
}
