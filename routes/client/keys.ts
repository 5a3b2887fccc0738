/**
 * `GET /v1/apps/{app}/keys`: the directory of an application, and `/history`: the chain of its keys (docs/protocol.md,
 * section 7).
 *
 * @module
 */
import { Hono } from "hono";
import { directoryMaxAge, type Endpoints, makeDirectory } from "../../core/keys/directory.ts";
import type { Server } from "../../core/service.ts";
import { HOP_HEADER } from "../../edge/http/headers.ts";
import { LIST_PUBLIC_KEYS, SHOW_KEY_HISTORY } from "../../edge/operations/client.ts";
import type { Regions } from "../../edge/remote/region.ts";
import { serveDocument } from "./serve_document.ts";

/** Seconds that a history may be cached. */
const HISTORY_AGE_SECONDS = 300;

/** The router of the directory, which leads clients to `endpoints`. */
export function keysRoutes(service: Server, regions?: Regions, endpoints?: Endpoints): Hono {
  return new Hono().get(LIST_PUBLIC_KEYS.path, async function serveDirectory(c) {
    const app = service.appOf(c.req.param("app"));
    const nowSeconds = service.now();
    const own = await service.publishedKeys(app.id, nowSeconds);
    // Another region is told of this region's keys only: neither waits for the other's view of itself.
    const isHop = c.req.raw.headers.has(HOP_HEADER);
    const others = isHop ? [] : await regions?.keysOf(app, own, nowSeconds) ?? [];
    const { deployment: { issuer }, region } = service;
    const keys = [...own, ...others];
    const directory = makeDirectory({ issuer, region, endpoints, app, keys, nowSeconds });
    const [draw = 0] = service.random(1);
    // Store and regions may have taken their time, and the next change is as much nearer.
    const maxAge = directoryMaxAge(directory, app, service.now(), draw / 256);
    // What a region is told must not lie in a cache from which clients are served.
    return serveDocument(c, { ...directory, caching: isHop ? "no-store" : `public, max-age=${maxAge}` });
  }).get(SHOW_KEY_HISTORY.path, async function serveHistory(c) {
    const history = await service.keyHistory(service.appOf(c.req.param("app")).id);
    return serveDocument(c, { ...history, caching: `public, max-age=${HISTORY_AGE_SECONDS}` });
  });
}
