/**
 * The console's style and scripts, its own and uPlot's from its package: all served from here, none from elsewhere.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { Hono } from "hono";
import uPlotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uPlotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import { toBase64url, utf8 } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import script from "./assets/console.js" with { type: "text" };
import style from "./assets/console.css" with { type: "text" };

interface Asset {
  readonly text: string;
  readonly type: string;
  readonly etag: string;
}

function asset(text: string, type: string): Asset {
  return { text, type: `${type}; charset=utf-8`, etag: `"${toBase64url(sha256(utf8(text)).slice(0, 12))}"` };
}

const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ["console.css", asset(style, "text/css")],
  ["console.js", asset(script, "text/javascript")],
  ["uplot.css", asset(uPlotStyle, "text/css")],
  ["uplot.js", asset(uPlotScript, "text/javascript")],
]);

/** The router of assets; they are the same for everybody and need no session. */
export function assetRoutes(): Hono {
  return new Hono().get("/console/assets/:name", function serveAsset(c) {
    const found = ASSETS.get(c.req.param("name"));
    if (found === undefined) throw new Refusal("route_unknown", "There is no such file.");
    const headers = { etag: found.etag, "cache-control": "no-cache" };
    if (c.req.header("if-none-match") === found.etag) return c.body(null, 304, headers);
    return c.body(found.text, 200, { ...headers, "content-type": found.type });
  });
}
